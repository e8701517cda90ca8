import type { Configuration, MembershipChange, NodeId } from '#consensus';
import { RegistryError, isPlainObject } from '#model';
import { type Logger, forRequest, parseAddress, requestBehind } from '#nest';
import type { MetaGroup } from './group.js';

/** What only the leader does. Travels as it is from the node that was asked to the leader. */
export type RaftRequest = MembershipChange | { type: 'transfer'; node: NodeId };

export interface RaftAnswer {
  /** The node that led while it was done. */
  by: NodeId;
  configuration: Configuration;
}

export const RAFT_PATTERN = 'meta.raft';

const TYPES: ReadonlySet<unknown> = new Set<RaftRequest['type']>(['addLearner', 'promote', 'remove', 'transfer']);
/** Longer than a transfer may take; a change that has no majority ends when its leader steps down. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Who is in the group, and who leads it, in the hands of an operator. Any node may be asked. */
export class RaftAdministration {
  constructor(
    private readonly group: Pick<MetaGroup, 'node' | 'route'>,
    private readonly logger: Pick<Logger, 'info'>,
  ) {}

  /** @throws RegistryError BAD_REQUEST, NO_LEADER, what the node says, and what the way to the leader throws */
  async request(input: unknown, requestId?: string): Promise<RaftAnswer> {
    const request = { ...parseRequest(input), ...forRequest(requestId) };
    return this.group.route.take(RAFT_PATTERN, request, ANSWER_TIMEOUT_MS, (here) => this.perform(here));
  }

  /** A request that another node has handed on. It goes no further. */
  async forwarded(input: unknown): Promise<RaftAnswer> {
    return this.perform({ ...parseRequest(input), ...forRequest(requestBehind(input as object).requestId) });
  }

  /** Of this node alone. */
  snapshotNow(): Promise<number> {
    return this.group.node.snapshotNow();
  }

  /** A node that does not lead says so: NOT_LEADER, and who does. */
  private async perform({ forRequest: cause, ...request }: RaftRequest & { forRequest?: string }): Promise<RaftAnswer> {
    const { node } = this.group;
    if (request.type === 'transfer') await node.transfer(request.node);
    else await node.changeMembership(request);
    const { id, configuration } = node.status();
    this.logger.info('change-made', {
      ...requestBehind({ forRequest: cause }),
      change: request.type,
      node: request.node,
    });
    return { by: id, configuration };
  }
}

function parseRequest(input: unknown): RaftRequest {
  const { type, node } = isPlainObject(input) ? input : {};
  if (!TYPES.has(type))
    throw new RegistryError('BAD_REQUEST', 'The type is none of addLearner, promote, remove, transfer.');
  if (typeof node === 'string' && parseAddress(node)) return { type, node } as RaftRequest;
  const message = 'node must be the id of a meta server, which is its RPC address as host:port.';
  throw new RegistryError('BAD_REQUEST', message, { details: { field: 'node' } });
}
