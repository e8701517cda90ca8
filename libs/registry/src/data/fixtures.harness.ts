import type { DatumVersion, OperationResult, Owner, Publication } from '#model';

export const DATUM = 'orders#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP';

export function publication(registerId: string, session: string): Publication {
  return {
    registerId,
    dataInfoId: DATUM,
    zone: 'z1',
    appName: 'shop',
    registerTimestamp: 1,
    stamp: [1, 1, 1],
    owner: { kind: 'connected', session, connection: 1 },
    body: new Uint8Array([1, 2, 3]),
  };
}

export function leased(leaseMs: number): { owner: Owner } {
  return { owner: { kind: 'leased', leaseMs } };
}

export function stored(result: OperationResult): Extract<OperationResult, { status: 'stored' }> {
  if (result.status !== 'stored') throw new Error(`Expected to be stored, not ${result.status}.`);
  return result;
}

/** As people see a version. */
export function shown({ leaderEpoch, sequence }: DatumVersion): string {
  return `${leaderEpoch}.${sequence}`;
}

export function ids(publications: readonly { registerId: string }[]): string[] {
  return publications.map(({ registerId }) => registerId).sort();
}
