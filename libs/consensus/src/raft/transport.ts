import type { NodeId, RaftMessage } from './contract.js';

/**
 * How nodes reach each other. Messages may be lost, delayed, doubled and reordered; they must not be altered, and the
 * receiver must be told who sent them. Nothing here waits: what cannot be sent now is dropped, since Raft repeats
 * whatever matters.
 */
export interface Transport {
  send(to: NodeId, message: RaftMessage): void;
  /** The answer ends it. A message may be handed over while `send` is still running. */
  onMessage(listener: (from: NodeId, message: RaftMessage) => void): () => void;
  /** Tells that messages to a peer are being lost, if the transport can know. The answer ends it. */
  onUnreachable?(listener: (peer: NodeId) => void): () => void;
}
