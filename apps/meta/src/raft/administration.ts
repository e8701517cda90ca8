import { RpcConnection } from '#client';
import type { Configuration, MembershipChange, NodeId } from '#consensus';
import { RegistryError, isPlainObject } from '#model';
import { parseAddress } from '#nest';
import type { MetaNode } from './group.js';

/** What only the leader does. Travels as it is from the node that was asked to the leader. */
export type RaftRequest = MembershipChange | { type: 'transfer'; node: NodeId };

export interface RaftAnswer {
  /** The node that led while it was done. */
  by: NodeId;
  configuration: Configuration;
}

export const RAFT_PATTERN = 'meta.raft';

const TYPES: ReadonlySet<unknown> = new Set<RaftRequest['type']>(['addLearner', 'promote', 'remove', 'transfer']);
const CONNECT_TIMEOUT_MS = 2_000;
/** Longer than a transfer may take; a change that has no majority ends when its leader steps down. */
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Who is in the group, and who leads it, in the hands of an operator. Any node may be asked: one that follows hands the
 * request on to the leader over RPC, since the id of a node is where it listens for that.
 */
export class RaftAdministration {
  constructor(private readonly node: MetaNode) {}

  /** @throws RegistryError BAD_REQUEST, NO_LEADER, what the node says, and what the way to the leader throws */
  async request(input: unknown): Promise<RaftAnswer> {
    const request = parseRequest(input);
    const { id, role, leader } = this.node.status();
    if (role === 'leader') return this.perform(request);
    if (leader === undefined || leader === id)
      throw new RegistryError('NO_LEADER', `The meta server ${id} knows of no leader just now.`);
    return forward(leader, request);
  }

  /** A request that another node has handed on. It goes no further, so that two nodes that are wrong make no circle. */
  async forwarded(input: unknown): Promise<RaftAnswer> {
    return this.perform(parseRequest(input));
  }

  /** Of this node alone. */
  snapshotNow(): Promise<number> {
    return this.node.snapshotNow();
  }

  /** A node that does not lead says so: NOT_LEADER, and who does. */
  private async perform(request: RaftRequest): Promise<RaftAnswer> {
    const { node } = this;
    if (request.type === 'transfer') await node.transfer(request.node);
    else await node.changeMembership(request);
    const { id, configuration } = node.status();
    return { by: id, configuration };
  }
}

async function forward(leader: NodeId, request: RaftRequest): Promise<RaftAnswer> {
  const address = parseAddress(leader);
  if (!address) throw new RegistryError('NO_LEADER', `The leader ${leader} has no address that can be reached.`);
  const connection = await RpcConnection.connect({ ...address, connectTimeoutMs: CONNECT_TIMEOUT_MS }).catch(
    (cause) => {
      // Nothing has been asked yet, so asking again is safe; a connection lost later leaves that open.
      throw new RegistryError('NO_LEADER', `The leader ${leader} cannot be reached.`, { cause, details: { leader } });
    },
  );
  try {
    return (await connection.request(RAFT_PATTERN, request, { timeoutMs: ANSWER_TIMEOUT_MS })) as RaftAnswer;
  } finally {
    connection.close();
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
