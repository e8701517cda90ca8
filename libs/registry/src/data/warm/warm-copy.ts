import type { Publication } from '#model';
import { interner } from '../intern.js';
import { DATA_LIMITS } from '../limits.js';
import { SlotReplica } from '../slot-replica.js';

/** More slots than a table can have are damage. */
const SLOTS_MAX = 16_384;

/**
 * What the disk had kept of slots when the process began, as a replica of each. None of it counts: it may be older than
 * anything that has happened since, by any measure. It is a base for following, where a hash for each datum tells what
 * differs, and something to be confirmed where the slot is led here (invariant 9).
 */
export class WarmCopy {
  /** Publications that were read. */
  loaded = 0;
  /** How often something was found damaged, and done without. */
  damages = 0;
  private readonly replicas = new Map<number, SlotReplica>();
  private readonly intern = interner();

  /**
   * @param isKnown false where the disk may have more on it than this: then it is erased before anything is kept
   * @param tombstoneMs of the replicas
   */
  constructor(
    public isKnown = true,
    private readonly tombstoneMs = DATA_LIMITS.tombstoneMs,
  ) {}

  /** Persistent publications are kept elsewhere, and a slot that cannot be is nobody's. */
  add(slot: number, publication: Publication): void {
    if (!Number.isInteger(slot) || slot < 0 || slot >= SLOTS_MAX || publication.owner.kind === 'persistent') return;
    let replica = this.replicas.get(slot);
    if (!replica) {
      const { tombstoneMs, intern } = this;
      replica = new SlotReplica({ slot, leaderEpoch: 0, tombstoneMs, intern });
      this.replicas.set(slot, replica);
    }
    if (replica.apply(0, { op: 'publish', publication }, '').status === 'stored') this.loaded++;
  }

  slots(): number[] {
    return [...this.replicas.keys()];
  }

  has(slot: number): boolean {
    return this.replicas.has(slot);
  }

  /** What was kept of the slot, once. */
  take(slot: number): SlotReplica | undefined {
    const replica = this.replicas.get(slot);
    this.replicas.delete(slot);
    return replica;
  }
}
