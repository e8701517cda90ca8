import type { Random } from '#model';
import type { ClientLimits } from './contract.js';
import { STABLE_MS } from './limits.js';
import { backoffMs } from './retry.js';

/** How long the client waits before it dials again: longer each time, until a connection has proved good. */
export class Pauses {
  private failures = 0;

  constructor(
    private readonly limits: Pick<ClientLimits, 'reconnectMinMs' | 'reconnectMaxMs'>,
    private readonly random: Random,
  ) {}

  /** A dial, or a hello, came to nothing. */
  failed(): void {
    this.failures++;
  }

  /** A connection that served for so long is gone. */
  served(forMs: number): void {
    if (forMs >= STABLE_MS) this.failures = 0;
    else this.failures++;
  }

  /** @param spreadMs over which all clients of a lost server spread */
  nextMs(spreadMs: number): number {
    const { reconnectMinMs, reconnectMaxMs } = this.limits;
    if (this.failures > 0) return backoffMs(this.failures, reconnectMinMs, reconnectMaxMs, this.random);
    return spreadMs > 0 ? this.random() * spreadMs : 0;
  }
}
