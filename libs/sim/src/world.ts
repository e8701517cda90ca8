import { type Env, type Random, randomUint32, seededRandom } from '#model';
import { VirtualClock } from './clock.js';
import type { Isolation } from './copy.js';
import { SimNetwork, type Transit } from './network.js';
import { Transcript } from './transcript.js';

export interface WorldOptions {
  seed: number;
  isolation?: Isolation;
  tap?: (message: Transit) => void;
}

/** Everything that one seed drives: time, chance, the network and the record of what happened. */
export class World implements Env {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly network: SimNetwork;
  readonly transcript = new Transcript(() => this.nowMs());

  /** Long after 1970, so that code which mistakes one clock for the other shows. */
  private static readonly WALL_START_MS = 1_700_000_000_000;

  constructor(options: WorldOptions) {
    this.random = seededRandom(options.seed);
    this.network = new SimNetwork({
      clock: this.clock,
      random: this.fork(),
      ...(options.isolation ? { isolation: options.isolation } : {}),
      ...(options.tap ? { tap: options.tap } : {}),
    });
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  wallMs(): number {
    return Math.floor(World.WALL_START_MS + this.nowMs());
  }

  at(ms: number, run: () => void): () => void {
    return this.clock.at(ms, run);
  }

  /** A generator of its own, so that what one node draws does not depend on how much another draws. */
  fork(): Random {
    return seededRandom(randomUint32(this.random));
  }
}
