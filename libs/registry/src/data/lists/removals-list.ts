import { type Owner, parseDataInfoId } from '#model';
import { slotOf } from '#sharding';
import { type Clocks, timeOfDay } from '../../listing/clocks.js';
import { NamesFilter } from '../../listing/names-filter.js';
import type { Listing } from '../../listing/page.js';
import type { ListQuery } from '../../listing/query.js';
import type { NumberedRemoval } from '../removal-log.js';
import type { SlotReplica } from '../slot-replica.js';
import { inWords } from './causes.js';
import type { NamedServer, RemovalItem } from './items.js';

export interface RemovalClocks extends Clocks {
  /**
   * What the clock on the wall showed when the other one showed 0. It is read once and never changes, so that a removal keeps its
   * place in the list when somebody sets the clock.
   */
  zeroMs: number;
}

export interface RemovalSource {
  slots: number;
  led(slot: number): SlotReplica | undefined;
  named(incarnation: string): NamedServer;
  clocks: RemovalClocks;
}

/**
 * The latest disappearances in the slots that are led here, newest first; of each slot a bounded number is remembered. In the
 * lists of several servers they stand by the clocks of those, which may differ by a little.
 */
export function removalsList(source: RemovalSource, { filter }: ListQuery): Listing<NumberedRemoval, RemovalItem> {
  const { slots, led, named, clocks } = source;
  const names = new NamesFilter(filter);
  const { registerId, cause, appName, zone } = filter;
  const slotFor = (dataInfoId: string): number => slotOf(dataInfoId, slots);
  return {
    parts: [0, 1],
    *entries() {
      const [from, to] = names.slots(slots, slotFor);
      for (let slot = from; slot < to; slot++) yield* led(slot)?.removals.list() ?? [];
    },
    matches: (removal) =>
      names.matches(removal.dataInfoId) &&
      (registerId ?? removal.registerId) === removal.registerId &&
      (cause ?? removal.cause) === removal.cause &&
      (appName ?? removal.appName) === removal.appName &&
      (zone ?? removal.zone) === removal.zone,
    placeOf: ({ dataInfoId, atMs, number }) => [0, -Math.round(clocks.zeroMs + atMs), slotFor(dataInfoId), -number],
    describe: ({ dataInfoId, registerId: id, atMs, cause: why, by, owner, appName: app, zone: in_, stamp }) => ({
      ...parseDataInfoId(dataInfoId)!,
      slot: slotFor(dataInfoId),
      registerId: id,
      at: timeOfDay(clocks, atMs),
      agoMs: Math.max(Math.round(clocks.nowMs - atMs), 0),
      cause: why,
      why: inWords(why, by),
      by: by === 'leader' || by === 'operator' ? by : named(by),
      ...ownerOf(owner, named),
      appName: app,
      zone: in_,
      stamp,
    }),
  };
}

function ownerOf(
  owner: Owner,
  named: RemovalSource['named'],
): Pick<RemovalItem, 'kind' | 'session' | 'connection' | 'leaseMs'> {
  const { kind } = owner;
  return {
    kind,
    session: kind === 'connected' ? named(owner.session) : null,
    connection: kind === 'connected' ? owner.connection : null,
    leaseMs: kind === 'leased' ? owner.leaseMs : null,
  };
}
