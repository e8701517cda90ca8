import { RpcConnection } from '#client';
import type { NodeId } from '#consensus';
import { RegistryError } from '#model';
import { parseAddress } from '#nest';
import type { MetaNode } from './group.js';

const CONNECT_TIMEOUT_MS = 2_000;

/**
 * The way of a request to the node that may perform it. Any node may be asked: one that follows hands the request on to
 * the leader over RPC, since the id of a node is where it listens for that, and does so once: a node to which a request
 * was handed on performs it or says that it cannot, so that two nodes that are wrong make no circle.
 */
export class LeaderRoute {
  constructor(private readonly node: Pick<MetaNode, 'status'>) {}

  /**
   * @param perform as it is done on the leader, if that is here
   * @throws RegistryError NO_LEADER, after which nothing has been asked of anybody; what `perform` throws, here or there;
   * CONNECTION_CLOSED and DEADLINE_EXCEEDED, which leave open what has been done
   */
  async take<Request extends object, Answer>(
    pattern: string,
    request: Request,
    timeoutMs: number,
    perform: (request: Request) => Promise<Answer>,
  ): Promise<Answer> {
    const { id, role, leader } = this.node.status();
    if (role === 'leader') return perform(request);
    if (leader === undefined || leader === id)
      throw new RegistryError('NO_LEADER', `The meta server ${id} knows of no leader just now.`);
    return (await forward(leader, pattern, request, timeoutMs)) as Answer;
  }
}

async function forward(leader: NodeId, pattern: string, request: object, timeoutMs: number): Promise<unknown> {
  const address = parseAddress(leader);
  if (!address) throw new RegistryError('NO_LEADER', `The leader ${leader} has no address that can be reached.`);
  const connectTimeoutMs = Math.min(CONNECT_TIMEOUT_MS, timeoutMs);
  const connection = await RpcConnection.connect({ ...address, connectTimeoutMs }).catch((cause) => {
    // Nothing has been asked yet, so asking again is safe; a connection lost later leaves that open.
    throw new RegistryError('NO_LEADER', `The leader ${leader} cannot be reached.`, { cause, details: { leader } });
  });
  try {
    return await connection.request(pattern, request, { timeoutMs });
  } finally {
    connection.close();
  }
}
