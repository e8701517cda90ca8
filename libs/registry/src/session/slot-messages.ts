import type { SpokenByData } from './data-links.js';
import type { Leases } from './leases.js';
import type { Reads } from './reads.js';
import type { SlotLink } from './slot-link.js';

type OfSlot = Exclude<
  SpokenByData,
  { kind: 'pong' | 'standIn' | 'tableRequest' | 'table' | 'moved' | 'keysAnswer' | 'keysChanged' }
>;

/** Takes what the leader of a slot says of it to whom it concerns. */
export function receiveOfSlot(slot: SlotLink, message: OfSlot, reads: Reads, leases: Leases): void {
  switch (message.kind) {
    case 'leaseEnded':
      return message.leaderEpoch === slot.leaderEpoch ? leases.ended(slot, message) : undefined;
    case 'adopt':
      return message.leaderEpoch === slot.leaderEpoch ? leases.adopt(slot, message) : undefined;
    case 'datum':
      slot.receive(message);
      return reads.receive(slot, message);
    case 'same':
    case 'change':
      return reads.receive(slot, message);
    case 'temporary':
      return reads.receiveTemporary(slot, message);
    default:
      return slot.receive(message);
  }
}
