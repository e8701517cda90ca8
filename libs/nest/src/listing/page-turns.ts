import { setImmediate } from 'node:timers/promises';
import { RegistryError } from '#model';

/** Work that stops now and then for others to have a turn. */
type Work<T> = Generator<void, T, void>;

const AT_ONCE = 2;
const WAITING = 100;
const RETRY_MS = 1_000;

/**
 * Makes the pages of lists, a turn of the event loop for each turn of the work, so that whoever publishes or is pushed to never
 * waits for an operator's list. A few are made at once, some more wait, and the rest are refused.
 */
export class PageTurns {
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];

  /** @throws RegistryError OVERLOADED */
  async make<T>(work: () => Work<T>): Promise<T> {
    if (this.underWay >= AT_ONCE) await this.turn();
    else this.underWay++;
    try {
      const pages = work();
      for (let step = pages.next(); ; step = pages.next()) {
        if (step.done) return step.value;
        await setImmediate();
      }
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.underWay--;
    }
  }

  /** Whose turn it is takes the place of the one that has ended. */
  private turn(): Promise<void> {
    if (this.waiting.length >= WAITING)
      throw new RegistryError('OVERLOADED', 'Too many lists are being made here.', { retryAfterMs: RETRY_MS });
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
