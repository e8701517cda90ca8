import { randomBytes } from 'node:crypto';
import type { Env } from '#model';

/** The longest delay that setTimeout takes; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The outside world: the monotonic clock, the wall clock, the system's randomness, timers. */
export function systemEnv(): Env {
  return { nowMs: () => performance.now(), wallMs: () => Date.now(), random: systemRandom(), at };
}

/** Node may fire a timer up to a millisecond early, so what is left is waited for again. */
function at(ms: number, run: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const leftMs = Math.min(Math.ceil(Math.max(0, ms - performance.now())), MAX_DELAY_MS);
    timer = setTimeout(() => (performance.now() < ms ? wait() : run()), leftMs);
  };
  wait();
  return () => clearTimeout(timer);
}

const BYTES_EACH = 6;

/** Uniform in [0, 1) with 48 bits each, drawn in blocks because a call to the system for every number is slow. */
function systemRandom(): () => number {
  let block = Buffer.alloc(0);
  let offset = 0;
  return () => {
    if (offset + BYTES_EACH > block.length) {
      block = randomBytes(BYTES_EACH * 64);
      offset = 0;
    }
    const value = block.readUIntBE(offset, BYTES_EACH) / 2 ** (8 * BYTES_EACH);
    offset += BYTES_EACH;
    return value;
  };
}
