import { decodeLease, encodeLease, isLeaseDataInfoId, isWithin, leaseRegisterId } from '#etcd';
import {
  type DataInfoId,
  type KeyAsk,
  type KeyResult,
  type KeysFromData,
  type KeysToData,
  type LinkId,
  type NativeEntry,
  type NativeName,
  type Operation,
  type Publication,
  type SlotAt,
  isNativeChange,
} from '#model';
import type { SlotLeader } from '../slot-leader.js';
import type { SlotReplica } from '../slot-replica.js';
import type { Outbox } from '../telling.js';
import { KeyHistory, REVISIONS_OF_AN_EPOCH } from './key-history.js';
import { KeyIndex, toEntry } from './key-index.js';
import { planTxn } from './key-txn.js';
import { KeyWatches } from './key-watches.js';
import { type AskOf, type KeyWork, type LedKeys, failed } from './key-work.js';

/** Requests that wait for their slots; more are refused. */
const WAITING_MAX = 10_000;
/** Persistent writes of one slot that may be on their way to disks at once, beside the keyspace's. */
const STAGED_MAX = 300;
/** A request waits here for no longer than anybody waits for its answer. */
const WAITS_MS = 10_000;

export interface KeyspaceOptions {
  /** Whoever leads the slot here at that leaderEpoch. */
  leaderFor(at: { slot: number; leaderEpoch: number }): SlotLeader | undefined;
  leaders(): Iterable<SlotLeader>;
  nowMs(): number;
  tableEpoch(): number;
  /** Something was given to disks. */
  wrote(nowMs: number, leader: SlotLeader): void;
  send(link: LinkId, message: KeysFromData): void;
  out: Outbox;
}

type Waiting = KeyWork & { untilMs: number };

/**
 * The keyspace of etcd at a data server: revisions, and what is decided at them. Requests are served in the order in which they
 * came, but for those that wait: for a slot to be complete, or not to be handed over, or for what is on its way to disks
 * in it. What came later for such a slot waits behind them.
 */
export class Keyspace {
  private readonly history = new KeyHistory();
  private readonly watches = new KeyWatches();
  private readonly indexes = new WeakMap<SlotReplica, KeyIndex>();
  /** Those in which something has changed that is not told. */
  private readonly toTell = new Set<KeyIndex>();
  private waiting: Waiting[] = [];
  /** Slots in which something is on its way to disks, and who waits for it. */
  private readonly busy = new Map<number, KeyWork>();
  private settling: { link: LinkId; message: KeysToData; until: number }[] = [];

  constructor(private readonly options: KeyspaceOptions) {}

  private readonly watched = (): Set<DataInfoId> => this.watches.natives();

  private get nowMs(): number {
    return this.options.nowMs();
  }

  get revision(): number {
    return this.history.revision;
  }

  /** A slot is led here from now on, by a table of this epoch. */
  begun(replica: SlotReplica, tableEpoch: number): void {
    this.history.raise(tableEpoch * REVISIONS_OF_AN_EPOCH);
    const index = new KeyIndex(replica, this.history, this.toTell);
    this.indexes.set(replica, index);
    replica.keys = index;
  }

  /** No longer. What was on its way to disks may come to be there or not. */
  ended({ slot }: SlotReplica): void {
    const work = this.busy.get(slot);
    if (!work) return;
    this.free(work);
    this.answer(work, failed('OUTCOME_UNKNOWN'));
  }

  receive(link: LinkId, incarnation: string, message: KeysToData): void {
    const { nowMs } = this;
    const { ask, seen } = message;
    const work: Waiting = {
      ...{ link, incarnation, message, untilMs: nowMs + WAITS_MS },
      send: (answer) => this.options.send(link, answer),
    };
    // A higher revision than any of our tables has given out: whoever leads by a later one may lead what we believe ours.
    if (seen >= (this.options.tableEpoch() + 1) * REVISIONS_OF_AN_EPOCH) return this.answer(work, failed('MOVED'));
    this.history.raise(seen);
    if (ask.op === 'unwatch') {
      this.left(this.watches.drop(link, ask.watchId));
      return this.answer(work, { op: 'done' });
    }
    if (ask.op === 'settle') return void this.settling.push({ link, message, until: seen });
    if (this.waiting.length >= WAITING_MAX) return this.answer(work, failed('OVERLOADED'));
    this.waiting.push(work);
  }

  dropLink(link: LinkId): void {
    this.left(this.watches.dropLink(link));
    this.waiting = this.waiting.filter((work) => work.link !== link);
    this.settling = this.settling.filter((one) => one.link !== link);
    for (const work of this.busy.values()) if (work.link === link) work.send = undefined;
  }

  private left(natives: readonly DataInfoId[]): void {
    if (natives.length === 0) return;
    for (const { replica } of this.options.leaders()) this.indexes.get(replica)?.natives.left(natives, this.nowMs);
  }

  /** At the end of every step: serves what can be served, and tells what has changed. */
  advance(): void {
    if (this.waiting.length > 0) this.serve();
    this.tell();
  }

  private serve(): void {
    const blocked = new Set(this.busy.keys());
    const { waiting } = this;
    this.waiting = [];
    const later: Waiting[] = [];
    for (const work of waiting) {
      const { at } = work.message.ask;
      const led = this.led(at);
      if (!led) this.answer(work, failed('MOVED'));
      else if (work.untilMs <= this.nowMs) this.answer(work, failed('UNAVAILABLE'));
      else if (this.isRenewable(led, work.message.ask)) this.run(work, led);
      else if (at.some(([slot]) => blocked.has(slot)) || !led.every(({ leader }) => isOpen(leader))) {
        for (const [slot] of at) blocked.add(slot);
        later.push(work);
      } else {
        this.tell();
        this.run(work, led);
        for (const slot of this.busy.keys()) blocked.add(slot);
      }
    }
    this.waiting = [...later, ...this.waiting];
  }

  /**
   * A lease that is there is renewed whatever its slot waits for, as any leased publication is: by then it might have ended, or
   * its client have given up. Only who would know of every lease may say that there is none. That goes for what is told of
   * one, too: what is there may be an earlier grant of the id, and whoever looks after the later would take it for ended.
   */
  private isRenewable([first]: LedKeys[], ask: KeyAsk): boolean {
    if (ask.op === 'attached') return ask.act === 'renew';
    if (ask.op !== 'lease' || ask.act !== 'renew') return false;
    return first?.leader.replica.live(ask.dataInfoId, leaseRegisterId(ask.id)) !== undefined;
  }

  private led(at: SlotAt[]): LedKeys[] | undefined {
    const led: LedKeys[] = [];
    for (const [slot, leaderEpoch] of at) {
      const leader = this.options.leaderFor({ slot, leaderEpoch });
      const index = leader && this.indexes.get(leader.replica);
      if (!index || leader.isStandIn) return undefined;
      led.push({ leader, index });
    }
    return led;
  }

  private run(work: KeyWork, led: LedKeys[]): void {
    const { ask } = work.message;
    const [first] = led;
    switch (ask.op) {
      case 'txn':
        return first && this.txn(work, first, ask);
      case 'range': {
        const natives = this.natives(led, ask.native);
        if (natives === 'tooMany') return this.answer(work, failed('OVERLOADED'));
        const found = led.flatMap(({ index }) => index.within(ask.span));
        const entries = found.map((record) => toEntry(ask.values ? record : { ...record, value: new Uint8Array() }));
        return this.answer(work, { op: 'range', entries, ...(natives ? { natives: natives.entries } : {}) });
      }
      case 'deleteRange':
        return first && this.deleteRange(work, first, ask);
      case 'watch':
        return this.watch(work, led, ask);
      case 'grant':
        return first && this.grant(work, first, ask);
      case 'lease':
        return first && this.lease(work, first, ask);
      case 'attached':
        return this.attached(work, led, ask);
      case 'leases':
        return this.answer(work, { op: 'leases', ids: led.flatMap(({ leader }) => leaseIds(leader.replica)) });
    }
  }

  private txn(work: KeyWork, { leader, index }: LedKeys, ask: AskOf<'txn'>): void {
    const isWrite = [...ask.success, ...ask.failure].some(({ op }) => op !== 'get');
    if (isWrite && this.history.isFull) return this.answer(work, failed('OVERLOADED'));
    const { zone, wallMs } = work.message;
    let revision = 0;
    const leaseMsOf = (key: string): number => {
      const held = index.of(key, true);
      return (held && leader.replica.live(held.dataInfoId, held.registerId)?.leaseMs) ?? 0;
    };
    const next = (): number => (revision = this.history.next());
    const plan = planTxn(index, ask, { revision: next, zone, wallMs, leaseMsOf });
    if (!plan) return this.answer(work, failed('KEY_NOT_FOUND'));
    const { succeeded, outcomes, durable, applied } = plan;
    this.commit(work, { leader, index }, { revision, durable, applied }, (stored) => {
      return { op: 'txn', succeeded, outcomes, stored };
    });
  }

  /** As one change of the slot. */
  private deleteRange(work: KeyWork, led: LedKeys, { span, prev }: AskOf<'deleteRange'>): void {
    if (this.history.isFull) return this.answer(work, failed('OVERLOADED'));
    const found = led.index.within(span);
    const deleted = found.map((record) => toEntry(prev ? record : { ...record, value: new Uint8Array() }));
    this.remove(work, led, found, { op: 'deleteRange', deleted });
  }

  private remove(work: KeyWork, led: LedKeys, records: { key: string }[], result: KeyResult): void {
    if (records.length === 0) return this.answer(work, result);
    let revision = 0;
    const success = records.map(({ key }) => ({ op: 'delete' as const, key, prev: false }));
    const about = { revision: () => (revision = this.history.next()), zone: '', wallMs: 0, leaseMsOf: () => 0 };
    const { durable, applied } = planTxn(led.index, { compare: [], success, failure: [] }, about)!;
    this.commit(work, led, { revision, durable, applied }, () => result);
  }

  /** First what must be on disks, then the rest, in the very step in which that is shown. */
  private commit(
    work: KeyWork,
    { leader, index }: LedKeys,
    { revision, durable, applied }: { revision: number; durable: Operation[]; applied: Operation[] },
    result: (stored: Publication[]) => KeyResult,
  ): void {
    const { incarnation } = work;
    const { replica } = leader;
    const finish = (): void => {
      const stored: Publication[] = [];
      for (const operation of applied) {
        replica.apply(this.nowMs, operation, incarnation);
        if (operation.op !== 'publish') continue;
        const { dataInfoId, registerId } = operation.publication;
        const publication = replica.live(dataInfoId, registerId)?.copy();
        if (publication) stored.push(publication);
      }
      this.history.add(index.takeChanges(() => revision));
      this.tell();
      this.answer(work, result(stored));
    };
    if (durable.length === 0) return leader.perform(this.nowMs, this.options.out, finish);
    if (leader.durable.stagedCount + durable.length > STAGED_MAX) return this.answer(work, failed('OVERLOADED'));
    let left = durable.length;
    let problem: string | undefined;
    this.history.begin(revision);
    this.busy.set(replica.slot, work);
    work.ended = () => this.history.end(revision);
    leader.perform(this.nowMs, this.options.out, () => {
      for (const operation of durable) {
        leader.durable.persist(this.nowMs, { operation }, incarnation, (outcome) => {
          if (outcome.status === 'failed') problem = outcome.failure.code;
          if (--left > 0 || this.busy.get(replica.slot) !== work) return;
          this.free(work);
          if (problem === undefined) finish();
          else this.answer(work, failed(problem === 'OVERLOADED' ? 'OVERLOADED' : 'NOT_DURABLE'));
        });
      }
    });
    this.options.wrote(this.nowMs, leader);
  }

  private free(work: KeyWork): void {
    for (const [slot, other] of this.busy) if (other === work) this.busy.delete(slot);
    work.ended?.();
  }

  private watch(work: KeyWork, led: LedKeys[], { watchId, span, from, at, native }: AskOf<'watch'>): void {
    const natives = this.natives(led, native);
    if (natives === 'tooMany') return this.answer(work, failed('OVERLOADED'));
    const slots = new Set(at.map(([slot]) => slot));
    this.watches.add(work.link, watchId, span, slots, native?.dataInfoId);
    const shown = {
      ...{ op: 'watch' as const, entries: led.flatMap(({ index }) => index.within(span).map(toEntry)) },
      ...(natives ? { natives: natives.entries } : {}),
    };
    const floor = Math.max(this.history.floor, natives?.since ?? 0, ...led.map(({ index }) => index.since));
    if (from > 0 && from <= floor) return this.answer(work, { ...shown, changes: [], compacted: floor });
    // What is there of native publications has happened, whether it has been told or not; of keys it is told behind this.
    const changes = from === 0 ? [] : [...this.history.since(from), ...this.history.untold(from)];
    const told = changes.filter((change) => {
      if (isNativeChange(change)) return natives !== undefined && change.dataInfoId === native?.dataInfoId;
      return slots.has(change.slot) && isWithin(change.key, span);
    });
    this.answer(work, { ...shown, changes: told });
  }

  /** Undefined where they are not in one of these slots; then whoever leads theirs is asked, too. */
  private natives(
    led: LedKeys[],
    name: NativeName | undefined,
  ): { entries: NativeEntry[]; since: number } | 'tooMany' | undefined {
    const { index } = led.find(({ leader }) => leader.replica.slot === name?.slot) ?? {};
    if (!name || !index) return undefined;
    return index.natives.ask(name.dataInfoId, this.nowMs, this.watched) ?? 'tooMany';
  }

  private grant(work: KeyWork, { leader }: LedKeys, { id, dataInfoId, ttlS, leaseMs }: AskOf<'grant'>): void {
    const { replica } = leader;
    const { zone, wallMs: registerTimestamp } = work.message;
    const registerId = leaseRegisterId(id);
    if (replica.live(dataInfoId, registerId)) return this.answer(work, failed('LEASE_EXISTS'));
    const record = { id, grant: this.history.next(), ttlS, slots: [] };
    const owner = { kind: 'leased' as const, leaseMs };
    const body = encodeLease(record);
    this.publish(work, leader, { registerId, dataInfoId, zone, appName: '', registerTimestamp, owner, body });
  }

  private publish(work: KeyWork, leader: SlotLeader, publication: Omit<Publication, 'stamp'>): void {
    const { replica } = leader;
    leader.perform(this.nowMs, this.options.out, () => {
      replica.apply(this.nowMs, { op: 'publish', publication: { ...publication, stamp: null } }, work.incarnation);
      const kept = replica.live(publication.dataInfoId, publication.registerId)!;
      const lease = this.leaseState(replica, publication.dataInfoId, publication.registerId)!;
      this.answer(work, { op: 'lease', lease, stored: kept.copy() });
    });
  }

  private lease(work: KeyWork, { leader }: LedKeys, ask: AskOf<'lease'>): void {
    const { replica } = leader;
    const { id, dataInfoId } = ask;
    const registerId = leaseRegisterId(id);
    const kept = replica.live(dataInfoId, registerId);
    const record = kept && decodeLease(kept.lend().body);
    if (!kept || !record) return this.answer(work, { op: 'lease' });
    switch (ask.act) {
      case 'renew':
        replica.renew(this.nowMs, kept);
        break;
      case 'attach': {
        const slots = [...new Set([...record.slots, ...ask.slots])];
        if (slots.length === record.slots.length) break;
        const leftMs = this.leftMs(replica, dataInfoId, registerId);
        const { zone, appName, registerTimestamp, owner } = kept.copy();
        const body = encodeLease({ ...record, slots });
        this.publish(work, leader, { registerId, dataInfoId, zone, appName, registerTimestamp, owner, body });
        // What is attached to a lease lengthens it by nothing.
        replica.leases.set(replica.live(dataInfoId, registerId)!, this.nowMs + leftMs);
        return;
      }
      case 'revoke': {
        const lease = this.leaseState(replica, dataInfoId, registerId)!;
        return leader.perform(this.nowMs, this.options.out, () => {
          const operation = { op: 'unpublish', registerId, dataInfoId, stamp: null, cause: 'unpublish' } as const;
          replica.apply(this.nowMs, operation, work.incarnation);
          this.answer(work, { op: 'lease', lease });
        });
      }
      case 'tell':
    }
    this.answer(work, { op: 'lease', lease: this.leaseState(replica, dataInfoId, registerId)! });
  }

  private leftMs(replica: SlotReplica, dataInfoId: string, registerId: string): number {
    const kept = replica.live(dataInfoId, registerId)!;
    return Math.max((replica.leases.deadlineMs(kept) ?? this.nowMs) - this.nowMs, 0);
  }

  private leaseState(replica: SlotReplica, dataInfoId: string, registerId: string) {
    const record = decodeLease(replica.live(dataInfoId, registerId)!.lend().body);
    return record && { ...record, leftMs: this.leftMs(replica, dataInfoId, registerId) };
  }

  private attached(work: KeyWork, led: LedKeys[], { lease, act }: AskOf<'attached'>): void {
    const [first] = led;
    if (act === 'remove') {
      if (first) this.remove(work, first, recordsOf(first, lease), { op: 'attached', keys: [] });
      return;
    }
    const found = led.flatMap((each) => each.index.withLease(lease).map((held) => ({ held, ...each })));
    if (act === 'renew') {
      for (const { held, leader } of found) {
        const kept = leader.replica.live(held.dataInfoId, held.registerId);
        if (kept) leader.replica.renew(this.nowMs, kept);
      }
    }
    const keys = act === 'list' ? found.map(({ held }) => held.record.key) : [];
    this.answer(work, { op: 'attached', keys });
  }

  /** What has changed by itself has revisions of its own: leases have ended, operators have removed something. */
  private tell(): void {
    for (const index of this.toTell) {
      // What is not led here any more is told by another.
      if (index.replica.keys !== index) continue;
      if (index.isTouched) this.history.add(index.takeChanges(() => this.history.next()));
      if (index.natives.isTouched) this.history.add(index.natives.takeChanges(this.nowMs, this.watched));
    }
    this.toTell.clear();
    const changes = this.history.take();
    const { settled } = this.history;
    if (changes.length > 0) this.watches.tell(changes, settled, (link, message) => this.options.send(link, message));
    if (this.settling.length === 0) return;
    const due = this.settling.filter(({ until }) => until <= settled);
    this.settling = this.settling.filter(({ until }) => until > settled);
    const tableEpoch = this.options.tableEpoch();
    for (const { link, message } of due) {
      const { requestId } = message;
      const result = { op: 'done' as const };
      this.options.send(link, { kind: 'keysAnswer', requestId, tableEpoch, revision: settled, result });
    }
  }

  private answer(work: KeyWork, result: KeyResult): void {
    const { send, message } = work;
    work.send = undefined;
    const { revision } = this.history;
    const tableEpoch = this.options.tableEpoch();
    send?.({ kind: 'keysAnswer', requestId: message.requestId, tableEpoch, revision, result });
  }
}

/** What waits for it goes on by itself: when it is complete, or takes writes again, or is led by another. */
function isOpen({ replica, sealedFor }: SlotLeader): boolean {
  return replica.isComplete && sealedFor === undefined;
}

function leaseIds(replica: SlotReplica): string[] {
  const ids: string[] = [];
  for (const { dataInfoId, publications } of replica.all()) {
    if (!isLeaseDataInfoId(dataInfoId)) continue;
    for (const publication of publications.values()) {
      const record = decodeLease(publication.lend().body);
      if (record) ids.push(record.id);
    }
  }
  return ids;
}

function recordsOf({ index }: LedKeys, lease: AskOf<'attached'>['lease']): { key: string }[] {
  return index.withLease(lease).map(({ record }) => record);
}
