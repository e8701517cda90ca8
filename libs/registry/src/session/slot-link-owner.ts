import type { LinkId, OperationResult, SessionToData, Stamp } from '#model';
import type { Entry } from './holdings.js';
import type { Accepted } from './slots.js';
import type { Sent, SlotLink } from './slot-link.js';

/** What a slot link asks of the core that it is part of. */
export interface SlotLinkOwner {
  send(link: LinkId, message: SessionToData): void;
  nextSequence(link: LinkId): number;
  /** When the oldest of them was accepted, as it is told over the link. */
  accepted(link: LinkId, sent: readonly Sent[]): Accepted;
  settled(slot: SlotLink, sent: Sent, result: OperationResult): void;
  voided(slot: SlotLink, sent: Sent): void;
  /** A digest showed that the leader has what the entry says. */
  proven(slot: SlotLink, entry: Entry): void;
  /** A digest showed that the leader holds something newer. */
  outdated(slot: SlotLink, entry: Entry, held: Stamp): void;
  /** The leader can be talked to. */
  opened(slot: SlotLink): void;
  /** For the first time since then, it has been sent all that it lacked. */
  resent(slot: SlotLink): void;
  /** Leader and holdings agree, or the link is about to be given up. */
  ended(slot: SlotLink): void;
  /** Something is to be flushed at the end of the step. */
  touched(slot: SlotLink): void;
  /** Something is to be flushed some time later. */
  touchedByReturn(slot: SlotLink): void;
}
