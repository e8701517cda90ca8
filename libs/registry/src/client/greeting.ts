import type { ClientHello } from '#model';

/** The hello of a client that knows the cluster by now, or does not, and that some server may have refused before. */
export function greeting(
  own: Omit<ClientHello, 'clusterId' | 'waited'>,
  clusterId: string | undefined,
  hasWaited: boolean,
): ClientHello {
  return { ...own, ...(clusterId === undefined ? {} : { clusterId }), ...(hasWaited ? { waited: true } : {}) };
}
