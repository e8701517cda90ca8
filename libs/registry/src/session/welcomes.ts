import { type Notice, PROTOCOL_VERSION } from '#model';
import type { SessionContext } from './context.js';
import type { Directions } from './directions.js';

type Welcome = Notice & { type: 'welcome' };

/** Zones are named by clients, so any number of them may come. */
const ZONES_MOST = 64;

/**
 * What clients are welcomed with: one object for all of a zone, as long as there is nothing else to be told, so that it is
 * encoded once for the many who come at the same time.
 */
export class Welcomes {
  private readonly byZone = new Map<string, Welcome>();

  constructor(
    private readonly context: SessionContext,
    private readonly dataCenter: string,
    private readonly directions: Pick<Directions, 'current'>,
  ) {}

  of(zone: string, clusterId: string): Welcome {
    const { sessions, reconnectSpreadMs } = this.directions.current();
    const known = this.byZone.get(zone);
    if (known?.clusterId === clusterId && known.sessions === sessions && known.reconnectSpreadMs === reconnectSpreadMs)
      return known;
    const { heartbeatMs, idleTimeoutMs } = this.context.limits;
    const welcome: Welcome = {
      ...{ type: 'welcome', protocol: PROTOCOL_VERSION, clusterId, session: this.context.self.incarnation },
      ...{ zone, dataCenter: this.dataCenter, heartbeatMs, idleTimeoutMs, sessions, reconnectSpreadMs },
    };
    if (this.byZone.size >= ZONES_MOST) this.byZone.clear();
    this.byZone.set(zone, welcome);
    return welcome;
  }
}
