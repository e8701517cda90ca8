import { randomBytes } from 'node:crypto';
import type { Env } from '#model';

/** The longest delay that setTimeout takes; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The outside world: the monotonic clock, the wall clock, the system's randomness, timers. */
export function systemEnv(): Env {
  return { nowMs: () => performance.now(), wallMs: () => Date.now(), random: cryptoRandom(), at };
}

/**
 * Never runs `run` before `ms`: Node may fire a timer up to a millisecond early, so what is left is waited for again.
 * What is already due runs in the next turn of the event loop, never within the call.
 */
function at(ms: number, run: () => void): () => void {
  const delayMs = ms - performance.now();
  if (delayMs <= 0) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  }
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    timer = setTimeout(() => (ms > performance.now() ? wait(ms - performance.now()) : run()), leftFor(leftMs));
  };
  wait(delayMs);
  return () => clearTimeout(timer);
}

function leftFor(leftMs: number): number {
  return Math.min(Math.ceil(leftMs), MAX_DELAY_MS);
}

/** Uniform in [0, 1) with 48 bits each, drawn from the system in blocks because a call for every number is slow. */
function cryptoRandom(): () => number {
  const BYTES_EACH = 6;
  let block = Buffer.alloc(0);
  let offset = 0;
  return () => {
    if (offset + BYTES_EACH > block.length) {
      block = randomBytes(BYTES_EACH * 256);
      offset = 0;
    }
    const value = block.readUIntBE(offset, BYTES_EACH) / 2 ** 48;
    offset += BYTES_EACH;
    return value;
  };
}
