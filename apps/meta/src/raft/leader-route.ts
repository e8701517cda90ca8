import { RegistryError } from '#model';
import type { AdminTokens } from '#nest';
import type { MetaNode } from './group.js';
import { NodeConnections } from './node-connections.js';

/**
 * The way of a request to the node that may perform it. Any node may be asked: one that follows hands the request on to
 * the leader over RPC, since the id of a node is where it listens for that, and does so once: a node to which a request
 * was handed on performs it or says that it cannot, so that two nodes that are wrong make no circle.
 *
 * With the request go the admin tokens of this node, which has asked for one itself. They are all that it has, since while
 * they are replaced the leader may know the new ones only, or the old ones.
 */
export class LeaderRoute {
  private readonly connections = new NodeConnections();

  constructor(
    private readonly node: Pick<MetaNode, 'status'>,
    private readonly adminTokens: Pick<AdminTokens, 'areNeeded' | 'all'>,
  ) {}

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
    const shown = this.adminTokens.areNeeded ? { token: await this.adminTokens.all() } : {};
    try {
      return (await this.connections.request(leader, pattern, { ...request, ...shown }, timeoutMs)) as Answer;
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') throw error;
      const message = `The meta server ${leader}, which leads, takes none of the admin tokens of ${id}; give all meta servers the same.`;
      throw new RegistryError('UNAUTHORIZED', message, { cause: error, details: { leader } });
    }
  }

  close(): void {
    this.connections.close();
  }
}
