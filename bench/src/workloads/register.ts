import { latencies, percentilesOf, usSince } from '../harness/histograms.js';
import { spread } from '../systems/spread.js';
import type { Clients } from '../systems/system.js';
import { valueOf } from './values.js';
import type { Meter, Outcome } from './workload.js';

export interface Register {
  /** So many registrations are under way at any time, one number after the other. */
  inFlight: number[];
  connections: number;
  topics: number;
  seconds: number;
  warmUpSeconds: number;
  valueBytes: number;
}

/** Ever new publishers, registered as fast as the system takes them. */
export async function register(clients: Clients, size: Register, meter: Meter): Promise<Outcome> {
  await clients.open(size.connections);
  const metrics: Record<string, number> = {};
  let publishers = 0;
  let operations = 0;
  for (const inFlight of size.inFlight) {
    const times = latencies();
    const run = async (seconds: number, isCounting: boolean): Promise<number> => {
      const startMs = performance.now();
      const untilMs = startMs + seconds * 1000;
      let taken = 0;
      await spread(inFlight, inFlight, async () => {
        while (performance.now() < untilMs) {
          const publisher = publishers++;
          const sentMs = performance.now();
          await clients.register(publisher, `bench-${publisher % size.topics}`, valueOf(publisher, 0, size.valueBytes));
          taken++;
          if (isCounting) times.recordValue(usSince(sentMs));
        }
      });
      if (isCounting) operations += taken;
      return (taken * 1000) / (performance.now() - startMs);
    };
    await run(size.warmUpSeconds, false);
    meter.begin();
    metrics[`${inFlight} per second`] = await run(size.seconds, true);
    meter.end();
    const { p50, p99 } = percentilesOf(times);
    Object.assign(metrics, { [`${inFlight} p50`]: p50, [`${inFlight} p99`]: p99 });
  }
  return { metrics, operations, missed: 0 };
}
