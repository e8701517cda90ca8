import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * Loaded into the servers before they start, by NODE_OPTIONS: a data server then measures how late its event loop is. At
 * SIGUSR2 it writes what it has measured since the last one, and what it holds, to the file that the environment names.
 */
const file = process.env['BENCH_DELAY_FILE'];

if (file !== undefined && process.argv[1]?.includes('/apps/data/')) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on('SIGUSR2', () => {
    const { rss, heapUsed, external } = process.memoryUsage();
    const inMs = (percentile: number): number => delay.percentile(percentile) / 1e6;
    const measured = {
      rss,
      heapUsed,
      external,
      p50Ms: inMs(50),
      p99Ms: inMs(99),
      p999Ms: inMs(99.9),
      maxMs: delay.max / 1e6,
    };
    delay.reset();
    // Whoever waits for the file finds a whole one.
    writeFileSync(`${file}.new`, JSON.stringify(measured));
    renameSync(`${file}.new`, file);
  });
}
