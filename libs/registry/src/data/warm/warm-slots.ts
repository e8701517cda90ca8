import type { Publication } from '#model';
import type { SlotReplica } from '../slot-replica.js';
import { type HeldSlots, type KeepBatch, WarmKeeper } from './keeper.js';
import { Unconfirmed } from './unconfirmed.js';
import type { WarmCopy } from './warm-copy.js';

/** What was read from disk and no table has asked for by then is of no use any more: others have led it for so long. */
const UNCLAIMED_MS = 600_000;

/** What a warm start came to, for people. */
export interface WarmStats {
  /** Publications read from disk at the start. */
  loaded: number;
  /** Of those and of what else did not count here: claimed by its owner, and shown since. */
  confirmed: number;
  /** The same, and claimed by nobody. */
  dropped: number;
  /** Changes that are not written yet. */
  pending: number;
  /** How often the copy on disk was found damaged, or given up, and begun anew. */
  failures: number;
}

/** The copy of its slots that a data server has on disk: what it starts with, and what it keeps for its next start. */
export class WarmSlots {
  private readonly keeper: WarmKeeper | undefined;
  private readonly counters = { confirmed: 0, dropped: 0 };
  private startedAtMs: number | undefined;

  /** @param copy undefined where no copy is kept */
  constructor(
    private readonly copy: WarmCopy | undefined,
    private readonly held: HeldSlots,
    pendingMax: number,
  ) {
    if (copy) this.keeper = new WarmKeeper(held, !copy.isKnown, copy.slots(), pendingMax);
  }

  /** The replica of a slot that is held from now on, if there is one to begin with. */
  take(slot: number): SlotReplica | undefined {
    const replica = this.copy?.take(slot);
    return replica && this.keep(replica);
  }

  /** From now on what changes in the replica is written. */
  keep(replica: SlotReplica): SlotReplica {
    const { keeper } = this;
    if (keeper) replica.changed = (publication) => keeper.touch(replica.slot, publication);
    return replica;
  }

  /**
   * A slot begins to be led with this replica: what there is of it that does not count.
   * @param there what was held of it until now
   * @param unclaimed what was not confirmed yet under the leadership here before
   */
  unconfirmed(
    replica: SlotReplica,
    there: SlotReplica | undefined,
    unclaimed: Unconfirmed | undefined,
  ): Unconfirmed | undefined {
    if (there === replica) return unclaimed;
    unclaimed?.forget(replica);
    const offered = there ?? this.copy?.take(replica.slot);
    if (!offered || offered.publicationCount === 0) return undefined;
    const forgotten = (publication: Publication): void => this.keeper?.touch(offered.slot, publication);
    const isOnDisk = (): boolean => there === undefined && this.keeper?.isUntouched === true;
    return new Unconfirmed(offered, isOnDisk, this.counters, forgotten);
  }

  /** A table has been taken: what it has taken away leaves the disk, but for what may still be asked for. */
  takeTable(): void {
    this.keeper?.eraseUnheld((slot) => this.held.replicaOf(slot) !== undefined || this.copy!.has(slot));
  }

  sweep(nowMs: number): void {
    const { copy } = this;
    this.startedAtMs ??= nowMs;
    if (!copy || nowMs - this.startedAtMs < UNCLAIMED_MS) return;
    const unclaimed = copy.slots();
    if (unclaimed.length === 0) return;
    for (const slot of unclaimed) this.counters.dropped += copy.take(slot)!.publicationCount;
    this.takeTable();
  }

  takeBatch(nowMs: number): KeepBatch[] {
    const batch = this.keeper?.takeBatch(nowMs);
    return batch ? [batch] : [];
  }

  kept(token: number): void {
    this.keeper?.kept(token);
  }

  failed(nowMs: number, token: number): void {
    this.keeper?.failed(nowMs, token);
  }

  stats(): WarmStats {
    const { pending = 0, failures = 0 } = this.keeper ?? {};
    const { loaded = 0, damages = 0 } = this.copy ?? {};
    return { loaded, ...this.counters, pending, failures: failures + damages };
  }
}
