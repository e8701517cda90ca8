import type { Clients } from '../systems/system.js';
import { Audience, type AudienceSize } from './audience.js';
import type { Meter, Outcome } from './workload.js';

export interface FanOut extends AudienceSize {
  changes: number;
  /** Of changes before counting begins. */
  warmUpSeconds: number;
}

/** One change after another, each when the one before has arrived everywhere. */
export async function fanOut(clients: Clients, size: FanOut, meter: Meter): Promise<Outcome> {
  await clients.open(1);
  const audience = new Audience(clients, size, 'bench-topic');
  await audience.gather();
  await audience.warmUp(size.warmUpSeconds);
  meter.begin();
  await audience.tell(size.changes, true);
  meter.end();
  const operations = audience.arrivals;
  return { metrics: audience.takeMetrics(), operations, missed: 0 };
}
