import { renameSync, writeFileSync } from 'node:fs';
import { PerformanceObserver, constants, monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Loaded into the servers before they start, by NODE_OPTIONS: a data server then measures how late its event loop is. At
 * SIGUSR2 it writes what it has measured since the last one, and what it holds, to the file that the environment names.
 */
const file = process.env['BENCH_DELAY_FILE'];

if (file !== undefined && process.argv[1]?.includes('/apps/data/')) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let collections = 0;
  let longestPauseMs = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail, duration } = entry as unknown as { detail: { kind: number }; duration: number };
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections++;
      longestPauseMs = Math.max(longestPauseMs, duration);
    }
  }).observe({ entryTypes: ['gc'] });
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  process.on('SIGUSR2', () => {
    const { rss } = process.memoryUsage();
    const inMs = (percentile: number): number => delay.percentile(percentile) / 1e6;
    const delays = { p50Ms: inMs(50), p99Ms: inMs(99), p999Ms: inMs(99.9), maxMs: delay.max / 1e6 };
    const pauses = { collections, longestPauseMs };
    collect();
    const { heapUsed, external } = process.memoryUsage();
    // Whoever waits for the file finds a whole one.
    writeFileSync(`${file}.new`, JSON.stringify({ rss, held: heapUsed + external, ...delays, ...pauses }));
    renameSync(`${file}.new`, file);
    // This collection was ours, and counts for nothing; observers are told of it a little later.
    setTimeout(() => {
      delay.reset();
      collections = longestPauseMs = 0;
    }, 100);
  });
}
