import type { Member } from '#model';
import type { Clocks } from '../../listing/clocks.js';
import type { Connections } from '../connections.js';
import type { Holdings } from '../holdings.js';
import type { Reads } from '../reads.js';
import type { Slots } from '../slots.js';

/** What the lists of a session server are made of, at one time. */
export interface ListedState {
  self: Pick<Member, 'address'>;
  clocks: Clocks;
  connections: Pick<Connections, 'ids' | 'get' | 'former'>;
  holdings: Pick<Holdings, 'ofSlot' | 'ownedBy'>;
  reads: Pick<Reads, 'subscriptionsOf' | 'subscriptionsIn' | 'countOf' | 'isBackedUp' | 'pushes'>;
  slots: Pick<Slots, 'all' | 'slotOf'>;
}
