import type { PublisherView } from '#model';
import { type Observer, type SimSubscriber, Violation } from '#sim';

/** Who follows nothing but the changes that come with each list has, in the end, that list: the same objects. */
export function toldChanges(): Observer {
  const followed = new Map<SimSubscriber, Map<string, PublisherView>>();
  return {
    shown: (subscriber, { publishers }, { added, updated, removed }) => {
      const has = followed.get(subscriber) ?? new Map<string, PublisherView>();
      followed.set(subscriber, has);
      const isWrong = (what: string): Violation =>
        new Violation('told changes', `${subscriber.client.name} is told of ${subscriber.dataInfoId}: ${what}`);
      for (const { registerId } of removed)
        if (!has.delete(registerId)) throw isWrong(`${registerId} leaves, and was not there`);
      for (const publisher of added) {
        if (has.has(publisher.registerId)) throw isWrong(`${publisher.registerId} comes, and was there`);
        has.set(publisher.registerId, publisher);
      }
      for (const publisher of updated) {
        if (!has.has(publisher.registerId)) throw isWrong(`${publisher.registerId} changes, and was not there`);
        has.set(publisher.registerId, publisher);
      }
      if (has.size !== publishers.length) throw isWrong(`${publishers.length} by the list, ${has.size} by its changes`);
      for (const publisher of publishers)
        if (has.get(publisher.registerId) !== publisher)
          throw isWrong(`${publisher.registerId} is another by its changes`);
    },
  };
}
