import { type DurableEntry, type Random, randomId } from '#model';
import type { PersistBatch, StoredEntry } from '#registry';
import type { VirtualClock } from './clock.js';
import { copyMessage } from './copy.js';

/**
 * A data server's disk: its machine's, so it survives the process. Writes take effect in order, each in one piece, some
 * time after they were asked for; a crash leaves the first so many of those under way. While it is failing, writes fail.
 */
export class SimSlotDisk {
  diskId: string;
  isFailing = false;
  /** Writes under way that a crash has taken, and that were made all the same. */
  readonly crashed = { lost: 0, survived: 0 };
  private readonly durable = new Map<string, StoredEntry>();
  private underWay: { apply: () => void; cancel: () => void }[] = [];
  private freeAtMs = 0;

  constructor(
    private readonly clock: VirtualClock,
    private readonly random: Random,
  ) {
    this.diskId = randomId(random);
  }

  stored(): StoredEntry[] {
    return [...this.durable.values()].map((stored) => copyMessage(stored));
  }

  /** What is on disk by now. */
  find(slot: number, dataInfoId: string, registerId: string): DurableEntry | undefined {
    return this.durable.get(keyOf(slot, dataInfoId, registerId))?.entry;
  }

  write({ writes }: PersistBatch, done: (failure?: string) => void): void {
    const copied = copyMessage(writes);
    const isSlow = this.random() < 0.02;
    const takesMs = isSlow ? 5 + this.random() * 200 : 0.5 + this.random() * 4;
    this.freeAtMs = Math.max(this.freeAtMs, this.clock.nowMs()) + takesMs;
    const apply = (): void => {
      for (const { slot, dataInfoId, registerId, entry } of copied) {
        const key = keyOf(slot, dataInfoId, registerId);
        if (entry) this.durable.set(key, { slot, entry });
        else this.durable.delete(key);
      }
    };
    const write = { apply, cancel: (): void => {} };
    write.cancel = this.clock.at(this.freeAtMs, () => {
      this.underWay = this.underWay.filter((other) => other !== write);
      if (this.isFailing) return done('The simulated disk failed to write.');
      apply();
      done();
    });
    this.underWay.push(write);
  }

  /** The process died. */
  crash(): void {
    const survived = Math.floor(this.random() * (this.underWay.length + 1));
    this.underWay.forEach(({ apply, cancel }, index) => {
      cancel();
      if (index < survived && !this.isFailing) apply();
    });
    this.crashed.survived += survived;
    this.crashed.lost += this.underWay.length - survived;
    this.underWay = [];
    this.freeAtMs = 0;
  }

  /** A new, empty disk. */
  wipe(): void {
    this.crash();
    this.durable.clear();
    this.diskId = randomId(this.random);
  }
}

function keyOf(slot: number, dataInfoId: string, registerId: string): string {
  return `${slot} ${dataInfoId}\n${registerId}`;
}
