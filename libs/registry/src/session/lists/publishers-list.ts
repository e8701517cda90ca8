import { type DataInfoId, parseDataInfoId } from '#model';
import { NamesFilter } from '../../listing/names-filter.js';
import type { Listing } from '../../listing/page.js';
import type { ListQuery } from '../../listing/query.js';
import type { Connection } from '../connections.js';
import type { Entry } from '../holdings.js';
import type { ListedState } from './listed-state.js';
import type { PublisherItem } from './items.js';

/** What clients have registered through this server, by slots. Persistent publications are not held by any session server. */
export function publishersList(state: ListedState, { filter }: ListQuery): Listing<Entry, PublisherItem> {
  const { connections, holdings, slots, self } = state;
  const names = new NamesFilter(filter);
  const underWay = new UnderWay(slots);
  const clientOf = ({ publication }: Entry): Connection | undefined =>
    publication?.owner.kind === 'connected' ? connections.get(publication.owner.connection) : undefined;
  const appNameOf = (entry: Entry): string => entry.publication?.appName || (clientOf(entry)?.appName ?? '');
  const { registerId, appName, address, zone, connection } = filter;
  return {
    parts: names.slots(slots.all.length, (dataInfoId: DataInfoId) => slots.slotOf(dataInfoId)),
    entries: (slot) => holdings.ofSlot(slot),
    matches(entry) {
      const { publication } = entry;
      if (!publication || !names.matches(entry.dataInfoId)) return false;
      if ((registerId ?? entry.registerId) !== entry.registerId) return false;
      if ((zone ?? publication.zone) !== publication.zone) return false;
      if (appName !== undefined && appName !== appNameOf(entry)) return false;
      if (address !== undefined && address !== clientOf(entry)?.address) return false;
      return connection === undefined || connection === String(clientOf(entry)?.id);
    },
    placeOf: ({ slot, dataInfoId, registerId: id }) => [slot, dataInfoId, id, self.address],
    describe(entry) {
      const { slot, dataInfoId, publication, isWithdrawn } = entry;
      if (!publication) return undefined;
      const { owner, registerTimestamp } = publication;
      return {
        ...parseDataInfoId(dataInfoId)!,
        slot,
        registerId: entry.registerId,
        kind: owner.kind === 'leased' ? 'leased' : 'connected',
        connection: owner.kind === 'connected' ? owner.connection : null,
        address: clientOf(entry)?.address ?? null,
        leaseMs: owner.kind === 'leased' ? owner.leaseMs : null,
        appName: appNameOf(entry),
        zone: publication.zone,
        registeredAt: timeOf(registerTimestamp),
        state: isWithdrawn ? 'withdrawn' : underWay.has(entry) ? 'under-way' : 'stored',
      };
    },
  };
}

/** Of what is held, that of which the leader has not said that it has it. Looked up once for each slot of a page. */
class UnderWay {
  private readonly bySlot = new Map<number, ReadonlySet<string>>();

  constructor(private readonly slots: ListedState['slots']) {}

  has({ slot, registerId }: Entry): boolean {
    const link = this.slots.all[slot];
    if (link?.phase !== 'reconciled') return true;
    let ids = this.bySlot.get(slot);
    if (!ids) this.bySlot.set(slot, (ids = new Set(link.underWay())));
    return ids.has(registerId);
  }
}

const LATEST_MS = 8.64e15;

/** A client may have told any number. */
function timeOf(ms: number): string {
  return new Date(Math.min(ms, LATEST_MS)).toISOString();
}
