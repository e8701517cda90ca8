import { type LeaseRecord, decodeLease, isLeaseDataInfoId, leaseDataInfoId } from '#etcd';
import { type KeyAsk, type Publication, type SlotAt, parseDataInfoId, parseLeasedRegisterId } from '#model';
import type { SessionContext } from '../context.js';
import type { Slots } from '../slots.js';
import type { KeyAsks } from './key-asks.js';
import type { SessionKeys } from './keyspace.js';

/** With so many, no new ones are granted here. Those that are handed over, or attached to keys here, are kept all the same. */
const LEASES_MAX = 200_000;
/** Ended leases whose keys are still to be removed, beyond which the keys of the oldest are left to end by themselves. */
const ENDED_MAX = 200_000;
const LOOK_MOST_MS = 60_000;
const AGAIN_MS = 500;

interface Kept {
  lease: LeaseRecord;
  lookAtMs: number;
}

/**
 * What whoever has the copy of a lease does for its keys: while the leader of the lease says that there is one, they are
 * renewed; once it says that there is none any more, they are removed, until all slots have said that they have done so.
 * With nobody to ask, nothing is done, and the keys outlast that.
 */
export class LeaseKeeper {
  private readonly kept = new Map<string, Kept>();
  private readonly ended = new Map<string, LeaseRecord>();

  constructor(
    private readonly context: SessionContext,
    private readonly slots: Slots,
    private readonly asks: KeyAsks,
    private readonly keys: SessionKeys,
  ) {}

  get isFull(): boolean {
    return this.kept.size >= LEASES_MAX;
  }

  /** This server has a copy of the publication from now on. */
  keeps({ dataInfoId, body }: Publication): void {
    if (!isLeaseDataInfoId(dataInfoId)) return;
    const lease = decodeLease(body);
    if (!lease) return;
    const known = this.kept.get(lease.id);
    const isKnown = known?.lease.grant === lease.grant;
    if (known && !isKnown) this.end(known.lease);
    // One that already has keys is handed over: nobody may have renewed them for a while.
    const isHandedOver = lease.slots.length > 0;
    const lookAtMs = isKnown ? known.lookAtMs : isHandedOver ? this.context.nowMs : this.nextLook(lease);
    this.kept.set(lease.id, { lease, lookAtMs });
  }

  /** The leader of a publication, of which this server may have a copy, says that it has ended. */
  hasEnded(registerId: string): void {
    const dataInfoId = parseLeasedRegisterId(registerId)?.dataInfoId;
    if (dataInfoId === undefined || !isLeaseDataInfoId(dataInfoId)) return;
    const kept = this.kept.get(parseDataInfoId(dataInfoId)!.dataId);
    if (kept) this.end(kept.lease);
  }

  tick(): void {
    for (const { lease, lookAtMs } of [...this.kept.values()]) if (lookAtMs <= this.context.nowMs) this.look(lease);
  }

  private nextLook({ ttlS }: LeaseRecord): number {
    return this.context.nowMs + Math.min(ttlS * 500, LOOK_MOST_MS);
  }

  private look(lease: LeaseRecord): void {
    const kept = this.kept.get(lease.id);
    if (kept) kept.lookAtMs = this.nextLook(lease);
    const { id } = lease;
    const dataInfoId = leaseDataInfoId(id);
    const make = (at: SlotAt[]): KeyAsk => ({ op: 'lease', at, id, dataInfoId, act: 'tell' });
    const options = { deadlineMs: this.context.limits.readDeadlineMs, isRepeatable: true };
    this.asks.ask([this.slots.slotOf(dataInfoId)], make, options, (asked) => {
      const result = asked.ok ? asked.parts[0]!.result : undefined;
      if (result?.op !== 'lease' || this.kept.get(id)?.lease.grant !== lease.grant) return;
      const { lease: found } = result;
      if (found?.grant !== lease.grant) return this.end(lease);
      this.kept.get(id)!.lease = found;
      const renew = (at: SlotAt[]): KeyAsk => ({ op: 'attached', at, lease: found, act: 'renew' });
      for (const slot of found.slots) this.asks.ask([slot], renew, options, () => {});
    });
  }

  private end(lease: LeaseRecord): void {
    if (this.kept.get(lease.id)?.lease.grant === lease.grant) this.kept.delete(lease.id);
    const name = `${lease.id} ${lease.grant}`;
    if (this.ended.has(name) || lease.slots.length === 0) return;
    if (this.ended.size >= ENDED_MAX) this.ended.delete(this.ended.keys().next().value!);
    this.ended.set(name, lease);
    const left = new Set(lease.slots);
    for (const slot of lease.slots) this.remove(name, lease, slot, left);
  }

  private remove(name: string, lease: LeaseRecord, slot: number, left: Set<number>): void {
    if (this.ended.get(name) !== lease) return;
    this.keys.leases.removeAttached(lease, slot, (problem) => {
      if (problem !== undefined) {
        this.context.timers.at(this.context.nowMs + AGAIN_MS, () => this.remove(name, lease, slot, left));
        return;
      }
      left.delete(slot);
      if (left.size === 0) this.ended.delete(name);
    });
  }
}
