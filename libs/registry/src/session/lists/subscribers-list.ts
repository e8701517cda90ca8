import { type DataInfoId, formatVersion, parseDataInfoId } from '#model';
import { NamesFilter } from '../../listing/names-filter.js';
import type { Listing } from '../../listing/page.js';
import type { ListQuery } from '../../listing/query.js';
import type { Subscription } from '../subscription.js';
import type { ListedState } from './listed-state.js';
import type { SubscriberItem } from './items.js';

/** The subscribers, by the slots of what they subscribe to. */
export function subscribersList(state: ListedState, { filter }: ListQuery): Listing<Subscription, SubscriberItem> {
  const { connections, reads, slots, self, clocks } = state;
  const names = new NamesFilter(filter);
  const { appName, address, zone, connection } = filter;
  const slotOf = (dataInfoId: DataInfoId): number => slots.slotOf(dataInfoId);
  return {
    parts: names.slots(slots.all.length, slotOf),
    entries: (slot) => reads.subscriptionsIn(slot, names.exact),
    matches(subscription) {
      if (connection !== undefined && connection !== String(subscription.connection)) return false;
      if (!names.matches(subscription.view.datum.dataInfoId)) return false;
      if ((zone ?? subscription.zone) !== subscription.zone) return false;
      if (appName === undefined && address === undefined) return true;
      const client = connections.get(subscription.connection);
      return (
        client !== undefined &&
        (appName ?? client.appName) === client.appName &&
        (address ?? client.address) === client.address
      );
    },
    placeOf({ view, connection: id, subscriptionId }) {
      const { dataInfoId } = view.datum;
      return [slotOf(dataInfoId), dataInfoId, self.address, id, subscriptionId];
    },
    describe(subscription) {
      const { view, connection: id, subscriptionId, lastVersion, unackedSinceMs, last } = subscription;
      if (!view.subscriptions.has(subscription)) return undefined;
      const { dataInfoId } = view.datum;
      const client = connections.get(id);
      return {
        ...parseDataInfoId(dataInfoId)!,
        slot: slotOf(dataInfoId),
        connection: id,
        subscriptionId,
        address: client?.address ?? '',
        appName: client?.appName ?? '',
        zone: subscription.zone,
        scope: view.zone === undefined ? 'dataCenter' : 'zone',
        version: lastVersion ? formatVersion(lastVersion) : null,
        told: last === 'none' ? 'nothing' : last,
        unacknowledgedMs: unackedSinceMs === undefined ? null : Math.max(Math.round(clocks.nowMs - unackedSinceMs), 0),
        waitsFor: view.isAheadOf(subscription) ? reads.pushes.waitsFor(subscription) : null,
      };
    },
  };
}
