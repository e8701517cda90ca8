import { timeOfDay } from '../../listing/clocks.js';
import type { ListQuery } from '../../listing/query.js';
import type { Listing } from '../../listing/page.js';
import type { Connection } from '../connections.js';
import type { ListedState } from './listed-state.js';
import type { ConnectionItem } from './items.js';

/** Of more subscriptions of one connection it is not counted what waits for them. */
const SUBSCRIPTIONS = 1_000;

/** The connections of clients in the order in which they came. */
export function connectionsList(state: ListedState, { filter }: ListQuery): Listing<Connection, ConnectionItem> {
  const { connections, reads, holdings, self, clocks } = state;
  const { appName, address, zone } = filter;
  return {
    parts: [0, 1],
    *entries() {
      for (const id of connections.ids()) {
        const connection = connections.get(id);
        if (connection) yield connection;
      }
    },
    matches: (connection) =>
      !connection.isShared &&
      (appName ?? connection.appName) === connection.appName &&
      (address ?? connection.address) === connection.address &&
      (zone ?? connection.zone) === connection.zone,
    placeOf: ({ id }) => [0, id, self.address],
    describe(connection) {
      const { id, connectedAtMs, heardAtMs } = connection;
      if (connections.get(id) !== connection) return undefined;
      let unacknowledged = 0;
      let waiting = 0;
      let seen = 0;
      for (const subscription of reads.subscriptionsOf(id)) {
        if (++seen > SUBSCRIPTIONS) break;
        if (subscription.unackedSinceMs !== undefined) unacknowledged++;
        if (subscription.view.isAheadOf(subscription)) waiting++;
      }
      return {
        connection: id,
        address: connection.address,
        appName: connection.appName,
        zone: connection.zone,
        connectedAt: timeOfDay(clocks, connectedAtMs),
        silentMs: Math.max(Math.round(clocks.nowMs - heardAtMs), 0),
        state: stateOf(connection),
        publishers: holdings.ownedBy(id).size,
        subscribers: reads.countOf(id),
        isBackedUp: reads.isBackedUp(id),
        unacknowledged,
        waiting,
      };
    },
  };
}

function stateOf({ isLost, isMoved, isAdmitted }: Connection): ConnectionItem['state'] {
  if (isLost) return 'grace';
  if (isMoved) return 'moved';
  return isAdmitted ? 'served' : 'idle';
}
