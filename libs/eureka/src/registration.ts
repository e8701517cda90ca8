import { LIMITS } from '#model';
import { STATUSES, type Instance, type Status } from './instance.js';
import { Unreadable } from './read-instance.js';

/** @throws Unreadable in Eureka's words, where an instance registers under the name of another application */
export function checkApp({ app }: Instance, appName: string): void {
  const expected = appName.toUpperCase();
  if (app !== expected) throw new Unreadable(`Mismatched appName, expecting ${expected} but was ${app}`);
}

/** How long a registration lives unless it is renewed. */
export function leaseMsOf({ leaseInfo: { durationInSecs } }: Instance): number {
  return Math.min(Math.max(durationInSecs * 1_000, LIMITS.minLeaseMs), LIMITS.maxLeaseMs);
}

/**
 * What is held once `incoming` has registered where `held` was registered before. By Eureka's rules what is dirty later wins, and a
 * status that somebody has set stays until it is taken back, unless the instance says itself that it is not to be called.
 */
export function registered(incoming: Instance, held: Instance | undefined, nowMs: number): Instance {
  const told = held && held.lastDirtyTimestamp > incoming.lastDirtyTimestamp ? held : incoming;
  const { reportedStatus } = told;
  const overriddenStatus = held?.overriddenStatus ?? 'UNKNOWN';
  const isOverridden = overriddenStatus !== 'UNKNOWN' && OVERRIDABLE.has(reportedStatus);
  const status = isOverridden ? overriddenStatus : reportedStatus;
  return {
    ...told,
    ...{ status, overriddenStatus, lastUpdatedTimestamp: nowMs, actionType: held ? 'MODIFIED' : 'ADDED' },
    leaseInfo: {
      ...told.leaseInfo,
      ...{ registrationTimestamp: nowMs, lastRenewalTimestamp: nowMs, evictionTimestamp: 0 },
      serviceUpTimestamp: held?.leaseInfo.serviceUpTimestamp || (status === 'UP' ? nowMs : 0),
    },
  };
}

const OVERRIDABLE: ReadonlySet<Status> = new Set(['UP', 'OUT_OF_SERVICE'] as const);

/** Somebody has set the status. */
export function overridden(held: Instance, status: Status, nowMs: number): Instance {
  return changed({ ...held, status, overriddenStatus: status }, nowMs);
}

/** The status that somebody had set is taken back: it is what the instance says of itself, or `status` until it says so again. */
export function restored(held: Instance, status: Status | undefined, nowMs: number): Instance {
  return changed({ ...held, status: status ?? held.reportedStatus, overriddenStatus: 'UNKNOWN' }, nowMs);
}

export function withMetadata(held: Instance, metadata: Readonly<Record<string, string>>, nowMs: number): Instance {
  return changed({ ...held, metadata: { ...held.metadata, ...metadata } }, nowMs);
}

/** A client whose instance has changed since it registered registers again when its renewal is answered 404. */
export function mustRegisterAgain(held: Instance, lastDirtyTimestamp: number | undefined): boolean {
  return held.status === 'UNKNOWN' || (lastDirtyTimestamp ?? 0) > held.lastDirtyTimestamp;
}

function changed(instance: Instance, nowMs: number): Instance {
  return { ...instance, lastUpdatedTimestamp: nowMs, actionType: 'MODIFIED' };
}

/** @throws Unreadable for what is no status */
export function givenStatus(value: unknown): Status {
  const status = STATUSES.find((each) => each === value);
  if (!status) throw new Unreadable(`value must be one of ${STATUSES.join(', ')}.`);
  return status;
}
