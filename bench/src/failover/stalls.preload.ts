import { setTimeout } from 'node:timers/promises';
import { ClassicLevel } from 'classic-level';

/**
 * Loaded into the servers before they start, by NODE_OPTIONS: makes the event loop of a meta server that leads stand still
 * now and then, and some disk writes of every meta server slow, as a busy machine would. The servers know nothing of it.
 */
const STALL_MS = 200;
const STALL_EVERY_MS = 3_000;
const SLOW_WRITE_MS = 100;
const SLOW_WRITES = 0.05;

/** What abstract-level asks of an implementation. */
const MAKE = '_chainedBatch';
const WRITE = '_write';

interface Batch {
  [WRITE](options: unknown): Promise<void>;
}

if (process.argv[1]?.includes('/apps/meta/')) {
  slowWrites();
  void stall();
}

function slowWrites(): void {
  const level = ClassicLevel.prototype as unknown as { [MAKE](): Batch };
  const original = level[MAKE];
  level[MAKE] = function slowed() {
    const batch = original.call(this);
    const write = batch[WRITE];
    batch[WRITE] = async function slow(options) {
      if (Math.random() < SLOW_WRITES) await setTimeout(SLOW_WRITE_MS);
      return write.call(this, options);
    };
    return batch;
  };
}

async function stall(): Promise<never> {
  const url = `http://127.0.0.1:${process.env['ROLLCALL_META_HTTP_PORT']}/v1/raft/status`;
  for (;;) {
    await setTimeout(STALL_EVERY_MS * (0.5 + Math.random()), undefined, { ref: false });
    const response = await fetch(url).catch(() => undefined);
    const { role } = ((await response?.json()) ?? {}) as { role?: string };
    const untilMs = performance.now() + (role === 'leader' ? STALL_MS : 0);
    while (performance.now() < untilMs);
  }
}
