import type { LeaderToRelay, RelayToLeader, RelayToSession, SessionToRelay } from '#model';
import type { Transit } from './network.js';
import type { SessionHost } from './session-host.js';

type Relayed = SessionToRelay | RelayToSession | RelayToLeader | LeaderToRelay;

/**
 * Observers need not know by which way a session server and a leader speak. What the two ends are given and do is told as
 * if it were said directly, and on the leader's side for which incarnation (`relayedFor`), since the link is the follower's; the
 * follower in between does nothing with it.
 */
export function direct<Step extends { type: string }>(step: Step, says: 'received' | 'send'): Step {
  const { type, message } = step as { type: string; message?: Relayed };
  if (type !== says || !message) return step;
  const { kind } = message;
  if (kind !== 'relay' && kind !== 'relayed') return step;
  // The word between follower and leader names the session server; that between session server and follower does not.
  const isOfLeader = 'session' in message;
  const isAtAnEnd = (kind === 'relay') === (says === 'received') ? isOfLeader : !isOfLeader;
  if (!isAtAnEnd) return step;
  return { ...step, message: message.message, ...(isOfLeader ? { relayedFor: message.session } : {}) };
}

/** A message between the two that passes the stretch between follower and leader, as if it went all the way at once. */
export function directTransit(
  { from, to, message }: Transit,
  sessions: readonly Pick<SessionHost, 'name' | 'incarnation'>[],
): Transit | undefined {
  const relayed = message as Relayed | undefined;
  if (relayed?.kind !== 'relay' && relayed?.kind !== 'relayed') return undefined;
  if (!('session' in relayed)) return undefined;
  const number = sessions.findIndex(({ incarnation }) => incarnation === relayed.session);
  if (number < 0) return undefined;
  const { name } = sessions[number]!;
  const ends = relayed.kind === 'relay' ? { from: name, to } : { from, to: name };
  // Of no connection that there is.
  return { ...ends, connection: -(relayed.relay * sessions.length + number + 1), message: relayed.message };
}
