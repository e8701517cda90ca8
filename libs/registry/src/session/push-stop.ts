import type { PushStop } from '#model';

/** Whom a push would go to: the zone of the subscription, and where its client connects from. */
export interface Recipient {
  zone: string;
  address: string;
}

/** Whether pushes are held back. Made once for a state of the switch, and asked for every push. */
export type HoldsBack = (recipient: Recipient) => boolean;

/** Undefined where nobody's pushes are, so that the switch costs nothing while it is off. */
export function holdsBack(stop: PushStop): HoldsBack | undefined {
  switch (stop.scope) {
    case 'all':
      return () => true;
    case 'zones': {
      const zones = new Set(stop.zones);
      return ({ zone }) => zones.has(zone);
    }
    case 'addresses': {
      const addresses = new Set(stop.addresses);
      return ({ address }) => addresses.has(address);
    }
    case 'gray': {
      const addresses = new Set(stop.addresses);
      return ({ address }) => !addresses.has(address);
    }
    default:
      return undefined;
  }
}
