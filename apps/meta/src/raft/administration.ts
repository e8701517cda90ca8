import type { Configuration, MembershipChange, NodeId } from '#consensus';
import { RegistryError, isPlainObject } from '#model';
import { parseAddress } from '#nest';
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
  constructor(private readonly group: Pick<MetaGroup, 'node' | 'route'>) {}

  /** @throws RegistryError BAD_REQUEST, NO_LEADER, what the node says, and what the way to the leader throws */
  async request(input: unknown): Promise<RaftAnswer> {
    return this.group.route.take(RAFT_PATTERN, parseRequest(input), ANSWER_TIMEOUT_MS, (request) =>
      this.perform(request),
    );
  }

  /** A request that another node has handed on. It goes no further. */
  async forwarded(input: unknown): Promise<RaftAnswer> {
    return this.perform(parseRequest(input));
  }

  /** Of this node alone. */
  snapshotNow(): Promise<number> {
    return this.group.node.snapshotNow();
  }

  /** A node that does not lead says so: NOT_LEADER, and who does. */
  private async perform(request: RaftRequest): Promise<RaftAnswer> {
    const { node } = this.group;
    if (request.type === 'transfer') await node.transfer(request.node);
    else await node.changeMembership(request);
    const { id, configuration } = node.status();
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
