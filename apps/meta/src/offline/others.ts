import { systemEnv } from '#client';
import type { NodeId } from '#consensus';
import { PROTOCOL_VERSION, type PeerHello, randomId } from '#model';
import { Links } from '#nest';

/** What came of knocking at the address of a meta server. */
export interface Knock {
  address: NodeId;
  /** What the meta server there says of itself; undefined where none answers. */
  hello: PeerHello | undefined;
  /** Why there is no answer. */
  reason: string;
}

/** Asks at each address whether a meta server is there, all at once; takes as long as the slowest, some seconds at most. */
export async function knock(addresses: readonly NodeId[]): Promise<Knock[]> {
  const env = systemEnv();
  const answers = new Map<NodeId, (answer: Omit<Knock, 'address'>) => void>();
  const links = new Links<never, never>({
    name: 'raft',
    acceptRoles: ['meta'],
    hello: () => ({ protocol: PROTOCOL_VERSION, role: 'meta', incarnation: randomId(env.random) }),
    onEvent: (event) => {
      if (event.type === 'linkUp') answers.get(event.address)?.({ hello: event.hello, reason: '' });
      if (event.type === 'dialFailed') answers.get(event.address)?.({ hello: undefined, reason: event.message });
    },
  });
  try {
    return await Promise.all(
      [...new Set(addresses)].map(async (address) => {
        const answered = new Promise<Omit<Knock, 'address'>>((resolve) => answers.set(address, resolve));
        links.perform({ type: 'dial', address });
        return { address, ...(await answered) };
      }),
    );
  } finally {
    await links.close();
  }
}

/** Those of the knocks that a server of this cluster has answered, or one that does not know its cluster yet. */
export function alive(knocks: readonly Knock[], clusterId: string): Knock[] {
  return knocks.filter(({ hello }) => hello && (hello.clusterId ?? clusterId) === clusterId);
}
