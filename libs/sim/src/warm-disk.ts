import type { Random } from '#model';
import { type KeepBatch, WarmCopy } from '#registry';
import type { VirtualClock } from './clock.js';
import { copyMessage } from './copy.js';

/** What the operating system has written by itself by then survives a crash. */
const WRITTEN_BACK_MS = 2_000;

interface Written {
  atMs: number;
  batch: KeepBatch;
}

/**
 * The copy that a data server keeps for its next start, on its machine's disk. Nothing is synced: a crash loses the last
 * so many of the writes, also of those that were answered. While it is failing, writes fail.
 */
export class SimWarmDisk {
  isFailing = false;
  /** Publications that a start has found. */
  loaded = 0;
  /** Writes that a crash has taken though they had been answered. */
  lost = 0;
  private readonly safe = new Map<string, { slot: number; publication: KeepBatch['writes'][number]['publication'] }>();
  private unsynced: Written[] = [];
  private cancel: () => void = () => {};

  constructor(
    private readonly clock: VirtualClock,
    private readonly random: Random,
  ) {}

  /** What a process that starts now reads. */
  load(): WarmCopy {
    const copy = new WarmCopy();
    for (const { slot, publication } of this.safe.values()) copy.add(slot, copyMessage(publication!));
    this.loaded += copy.loaded;
    return copy;
  }

  /** Some time after it was asked for. */
  write(batch: KeepBatch, done: (failure?: string) => void): void {
    const copied = copyMessage(batch);
    const takesMs = 0.5 + this.random() * (this.random() < 0.05 ? 300 : 5);
    this.cancel = this.clock.at(this.clock.nowMs() + takesMs, () => {
      if (this.isFailing) return done('The simulated disk failed to write.');
      this.unsynced.push({ atMs: this.clock.nowMs(), batch: copied });
      this.writeBack((atMs) => atMs < this.clock.nowMs() - WRITTEN_BACK_MS);
      done();
    });
  }

  /** The process died, perhaps with its machine. */
  crash(): void {
    this.cancel();
    this.writeBack((atMs) => atMs < this.clock.nowMs() - WRITTEN_BACK_MS);
    const survive = Math.floor(this.random() * (this.unsynced.length + 1));
    this.lost += this.unsynced.length - survive;
    this.unsynced = this.unsynced.slice(0, survive);
    this.writeBack(() => true);
  }

  private writeBack(isDue: (atMs: number) => boolean): void {
    while (this.unsynced.length > 0 && isDue(this.unsynced[0]!.atMs)) this.apply(this.unsynced.shift()!.batch);
  }

  private apply({ erase, writes }: KeepBatch): void {
    for (const [key, { slot }] of this.safe) if (erase === 'all' || erase.includes(slot)) this.safe.delete(key);
    for (const { slot, dataInfoId, registerId, publication } of writes) {
      const key = `${slot} ${dataInfoId}\n${registerId}`;
      if (publication) this.safe.set(key, { slot, publication });
      else this.safe.delete(key);
    }
  }
}
