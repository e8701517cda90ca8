import type { DataToSession, SessionToData } from './data.js';

/**
 * A session server that cannot reach a leader has a follower of it pass on what the two say to each other, over links that
 * follower and leader have anyway. To both ends it is like a link: what is sent arrives in order, or the relay ends. It is
 * there once the leader has answered the request to open it.
 * `relay` is a number that the session server gives to no other relay.
 */
export type SessionToRelay =
  /** `to`: the incarnation of the leader. */
  | { kind: 'relayOpen'; relay: number; to: string }
  | { kind: 'relay'; relay: number; message: SessionToData }
  | { kind: 'relayEnd'; relay: number };

export type RelayToSession =
  /** The leader has answered. */
  | { kind: 'relayedOpen'; relay: number }
  | { kind: 'relayed'; relay: number; message: DataToSession }
  /** The relay has ended, or never began: there is no way to the leader from here. */
  | { kind: 'relayedEnd'; relay: number };

/** The same between follower and leader, for the session server of that incarnation. */
export type RelayToLeader =
  | { kind: 'relayOpen'; relay: number; session: string }
  | { kind: 'relay'; relay: number; session: string; message: SessionToData }
  | { kind: 'relayEnd'; relay: number; session: string };

export type LeaderToRelay =
  | { kind: 'relayedOpen'; relay: number; session: string }
  | { kind: 'relayed'; relay: number; session: string; message: DataToSession }
  | { kind: 'relayedEnd'; relay: number; session: string };
