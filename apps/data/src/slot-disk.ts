import type { DurableEntry } from '#model';
import type { PersistBatch, StoredEntry } from '#registry';
import type { SlotStore, SlotWrite } from '#store';
import { pack, unpack } from '#wire';

type DiskWrite = PersistBatch['writes'][number];

/**
 * The persistent publications on this server's disk, and in memory the same objects that the core holds: an incarnation
 * that follows another in this process begins with them.
 */
export class SlotDisk {
  private readonly held = new Map<string, StoredEntry>();

  private constructor(private readonly store: SlotStore) {}

  static async load(store: SlotStore): Promise<SlotDisk> {
    const disk = new SlotDisk(store);
    for await (const [key, value] of store.load()) disk.held.set(key, unpack(value) as StoredEntry);
    return disk;
  }

  get diskId(): string {
    return this.store.diskId;
  }

  stored(): Iterable<StoredEntry> {
    return this.held.values();
  }

  write(writes: DiskWrite[]): Promise<void> {
    return this.store.write(writes.map((write) => this.note(write)));
  }

  private note({ slot, dataInfoId, registerId, entry }: DiskWrite): SlotWrite {
    const key = `p${slot} ${dataInfoId}\n${registerId}`;
    if (!entry) {
      this.held.delete(key);
      return { key };
    }
    const stored: { slot: number; entry: DurableEntry } = { slot, entry };
    this.held.set(key, stored);
    return { key, value: pack(stored) };
  }
}
