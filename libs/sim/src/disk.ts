import type { VirtualClock } from './clock.js';
import { copyMessage } from './copy.js';

/**
 * A node's disk. It survives the process. A synced write is there when the call returns; a background write is there
 * after `flushMs`, and a crash before that loses it.
 */
export class SimDisk {
  private readonly durable = new Map<string, unknown>();
  private pending: { key: string; value: unknown; cancel: () => void }[] = [];

  constructor(
    private readonly clock: VirtualClock,
    private readonly flushMs: number,
  ) {}

  read<T>(key: string): T | undefined {
    return copyMessage(this.durable.get(key) as T | undefined);
  }

  writeSync(key: string, value: unknown): void {
    this.durable.set(key, copyMessage(value));
  }

  write(key: string, value: unknown): void {
    const write = { key, value: copyMessage(value), cancel: (): void => {} };
    write.cancel = this.clock.at(this.clock.nowMs() + this.flushMs, () => {
      this.durable.set(write.key, write.value);
      this.pending = this.pending.filter((other) => other !== write);
    });
    this.pending.push(write);
  }

  /** The process died: what was not flushed is lost. */
  crash(): void {
    for (const write of this.pending) write.cancel();
    this.pending = [];
  }

  /** A new, empty disk. */
  wipe(): void {
    this.crash();
    this.durable.clear();
  }
}
