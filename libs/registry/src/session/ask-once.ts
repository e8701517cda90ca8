import type { DataToSession } from '#model';
import type { SessionContext } from './context.js';
import type { Ask, SlotLink } from './slot-link.js';

/**
 * Asks the leader of a slot, and is told exactly once what came of it: its answer, `voided` where the leader or the way
 * to it is lost, or `late` where nothing came within the deadline.
 */
export function askOnce<Kind extends DataToSession['kind']>(
  context: SessionContext,
  slot: SlotLink,
  deadlineMs: number,
  { message, answer, done }: AskOnce<Kind>,
): void {
  let isOpen = true;
  const end = (outcome: Outcome<Kind>): void => {
    if (!isOpen) return;
    isOpen = false;
    done(outcome);
  };
  const isAsked = slot.ask({
    message,
    answered: (received) =>
      end(received.kind === answer ? (received as Extract<DataToSession, { kind: Kind }>) : 'voided'),
    voided: () => end('voided'),
  });
  if (!isAsked) return end('voided');
  context.timers.at(context.nowMs + deadlineMs, () => {
    slot.forgetAsk(message.requestId);
    end('late');
  });
}

type Outcome<Kind> = Extract<DataToSession, { kind: Kind }> | 'voided' | 'late';

interface AskOnce<Kind extends DataToSession['kind']> {
  message: Ask['message'];
  /** The kind of the answer. */
  answer: Kind;
  done(outcome: Outcome<Kind>): void;
}
