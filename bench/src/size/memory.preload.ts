import { renameSync, writeFileSync } from 'node:fs';
import { setFlagsFromString, writeHeapSnapshot } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Loaded into the servers before they start, by NODE_OPTIONS. At SIGUSR2 the session server writes what it has in memory
 * to the file that the environment names: as it is, and what it holds after a collection. At SIGURG it writes a snapshot
 * of its heap beside it, for whoever wants to know what that is.
 */
const SWEEP_MS = 200;
const file = process.env['BENCH_MEMORY_FILE'];

export interface Memory {
  rss: number;
  /** Of which V8 has made a heap, garbage included. */
  heap: number;
  /** On the heap and beside it, after a collection. */
  held: number;
}

if (file !== undefined && process.argv[1]?.includes('/apps/session/')) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  process.on('SIGUSR2', () => {
    const { rss, heapTotal: heap } = process.memoryUsage();
    collect();
    // Buffers are given back a little after they were found to be of no use.
    setTimeout(() => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      // Whoever waits for the file finds a whole one.
      writeFileSync(`${file}.new`, JSON.stringify({ rss, heap, held: heapUsed + external } satisfies Memory));
      renameSync(`${file}.new`, file);
    }, SWEEP_MS);
  });
  process.on('SIGURG', () => void writeHeapSnapshot(`${file}.heapsnapshot`));
}
