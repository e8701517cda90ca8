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
  /**
   * Once, with the most that are under way at any time, so that what is measured is a system as it runs for days. A process
   * whose code is compiled as it runs, on a virtual machine of Java or JavaScript, takes five to ten times as long for a
   * registration in its first seconds, and where nine of them share two cores those seconds are many.
   */
  warmUpSeconds: number;
  /** Before each number, until nothing is left of the one before. */
  settleSeconds: number;
  valueBytes: number;
}

/** Ever new publishers, registered as fast as the system takes them. */
export async function register(clients: Clients, size: Register, meter: Meter): Promise<Outcome> {
  await clients.open(size.connections);
  const metrics: Record<string, number> = {};
  let publishers = 0;
  let operations = 0;
  const run = async (inFlight: number, seconds: number, onTaken: (us: number) => void = () => {}): Promise<number> => {
    const startMs = performance.now();
    const untilMs = startMs + seconds * 1000;
    let taken = 0;
    await spread(inFlight, inFlight, async () => {
      while (performance.now() < untilMs) {
        const publisher = publishers++;
        const sentMs = performance.now();
        await clients.register(publisher, `bench-${publisher % size.topics}`, valueOf(publisher, 0, size.valueBytes));
        taken++;
        onTaken(usSince(sentMs));
      }
    });
    return (taken * 1000) / (performance.now() - startMs);
  };
  await run(Math.max(...size.inFlight), size.warmUpSeconds);
  for (const inFlight of size.inFlight) {
    await run(inFlight, size.settleSeconds);
    const times = latencies();
    meter.begin();
    metrics[`${inFlight} per second`] = await run(inFlight, size.seconds, (us) => {
      operations++;
      times.recordValue(us);
    });
    meter.end();
    const { p50, p99 } = percentilesOf(times);
    Object.assign(metrics, { [`${inFlight} p50`]: p50, [`${inFlight} p99`]: p99 });
  }
  return { metrics, operations, missed: 0 };
}
