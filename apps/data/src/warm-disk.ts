import { setImmediate } from 'node:timers/promises';
import type { Publication } from '#model';
import type { Logger } from '#nest';
import { type KeepBatch, WarmCopy } from '#registry';
import { LevelWarmStore, type SlotWrite } from '#store';
import { pack, unpack } from '#wire';

/** Records that are read before others get their turn. */
const READ_AT_ONCE = 200;
/** As many digits as the highest slot has, so that the records of a slot have a prefix in common with no other's. */
const SLOT_DIGITS = 5;

/** The copy on disk of what this server holds: read once, and written behind everything else. It fails nobody. */
export class WarmDisk {
  private constructor(private readonly store: LevelWarmStore) {}

  static async open(path: string, logger: Logger): Promise<WarmDisk> {
    const store = await LevelWarmStore.open(path);
    for (const warning of store.warnings) logger.warn('warm-copy-damaged', { warning });
    return new WarmDisk(store);
  }

  /** What is on it. One that cannot be read to its end is as good as none. */
  async load(tombstoneMs: number, logger: Logger): Promise<WarmCopy> {
    const copy = new WarmCopy(true, tombstoneMs);
    let read = 0;
    try {
      for await (const [key, value] of this.store.load()) {
        copy.add(Number(key.slice(0, SLOT_DIGITS)), unpack(value) as Publication);
        if (++read % READ_AT_ONCE === 0) await setImmediate();
      }
      return copy;
    } catch (error) {
      logger.warn('warm-copy-damaged', { warning: 'The copy is done without, and begun anew.', error });
      return new WarmCopy(false, tombstoneMs);
    }
  }

  async keep({ erase, writes }: KeepBatch): Promise<void> {
    // Asked for in one go, so that nothing of a next incarnation comes between.
    const erased = erase === 'all' ? [this.store.erase()] : erase.map((slot) => this.store.erasePrefix(prefixOf(slot)));
    const written = writes.length === 0 ? [] : [this.store.write(writes.map(recordOf))];
    await Promise.all([...erased, ...written]);
  }

  close(): Promise<void> {
    return this.store.close();
  }
}

function recordOf({ slot, dataInfoId, registerId, publication }: KeepBatch['writes'][number]): SlotWrite {
  const key = `${prefixOf(slot)}${dataInfoId}\n${registerId}`;
  return publication ? { key, value: pack(publication) } : { key };
}

function prefixOf(slot: number): string {
  return `${String(slot).padStart(SLOT_DIGITS, '0')} `;
}
