import { formatVersion, parseDataInfoId } from '#model';
import { slotOf } from '#sharding';
import { NamesFilter } from '../../listing/names-filter.js';
import type { Listing } from '../../listing/page.js';
import type { ListQuery } from '../../listing/query.js';
import type { Datum } from '../datum.js';
import type { SlotReplica } from '../slot-replica.js';
import type { DatumItem } from './items.js';

/** The names under which something is published, or that somebody subscribes to, in the slots that are led here. */
export function datumsList(
  slots: number,
  led: (slot: number) => SlotReplica | undefined,
  { filter }: ListQuery,
): Listing<Datum, DatumItem> {
  const names = new NamesFilter(filter);
  const slotFor = (dataInfoId: string): number => slotOf(dataInfoId, slots);
  // What was led here when it was looked at is told, though it may be led elsewhere before the page is made.
  const replicas = new Map<number, SlotReplica>();
  return {
    parts: names.slots(slots, slotFor),
    entries(slot) {
      const replica = led(slot);
      if (replica) replicas.set(slot, replica);
      return replica?.all() ?? [];
    },
    matches: (datum) => isThere(datum) && names.matches(datum.dataInfoId),
    placeOf: ({ dataInfoId }, slot) => [slot, dataInfoId],
    describe(datum) {
      const { dataInfoId, publications, interest } = datum;
      const slot = slotFor(dataInfoId);
      const replica = replicas.get(slot);
      if (!replica || !isThere(datum)) return undefined;
      return {
        ...parseDataInfoId(dataInfoId)!,
        slot,
        version: formatVersion(replica.version(dataInfoId)),
        complete: replica.isComplete,
        publications: publications.size,
        interested: interest?.size ?? 0,
      };
    },
  };
}

/** What is only remembered for its removals is nothing to look for. */
function isThere({ publications, interest }: Datum): boolean {
  return publications.size > 0 || (interest?.size ?? 0) > 0;
}
