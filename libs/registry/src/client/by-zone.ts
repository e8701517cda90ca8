import type { PublisherView } from '#model';

/** The publishers of each zone; that of a subscriber is its `localZone`. */
export function byZone({ publishers }: { publishers: readonly PublisherView[] }): Map<string, PublisherView[]> {
  const zones = new Map<string, PublisherView[]>();
  for (const publisher of publishers) {
    const others = zones.get(publisher.zone);
    if (others) others.push(publisher);
    else zones.set(publisher.zone, [publisher]);
  }
  return zones;
}
