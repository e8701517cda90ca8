import {
  type ContentHash,
  type DataInfoId,
  type DigestEntry,
  type Publication,
  type RemovalCause,
  type Stamp,
} from '#model';
import { type HashSum, addPublication, formatHash } from '../content-hash.js';
import type { ConnectionId } from './contract.js';
import { BOUNDS } from './limits.js';
import { NO_WAITERS, type Waiter } from './requests.js';

/**
 * What this incarnation holds for one registerId of one datum: a live publication, or the memory of its removal. The
 * holdings of a slot are what its digest tells, so a leader that was never reached needs no queue of operations.
 */
export interface Entry {
  readonly slot: number;
  readonly dataInfoId: DataInfoId;
  readonly registerId: string;
  stamp: Stamp;
  /** Undefined when removed. */
  publication: Publication | undefined;
  cause: RemovalCause | undefined;
  /**
   * It is live for its client and withdrawn from the leader, who is told that an operator has removed it at this stamp. So
   * only a higher one brings it back.
   */
  isWithdrawn: boolean;
  /** Of a removal: when it is forgotten. */
  untilMs: number;
  /** True where the client keeps no stamps and this server makes them. */
  stampedHere: boolean;
  restamps: number;
  /** Operations whose result is unknown, since they were sent to no leader or to one that was lost. */
  waiters: readonly Waiter[];
}

/** Of an entry in messages, without its names and its body. */
const ENTRY_BYTES = 150;

export type Subject = Pick<Entry, 'slot' | 'dataInfoId' | 'registerId'>;

export class Holdings {
  private readonly slots = new Map<number, Map<string, Entry>>();
  /** Of what is live in each slot. */
  private readonly sums = new Map<number, HashSum>();
  private readonly owned = new Map<ConnectionId, Set<Entry>>();
  /** In the order in which they are forgotten. */
  private readonly removed = new Set<Entry>();
  private live = 0;
  private withdrawn = 0;

  get publicationCount(): number {
    return this.live;
  }

  get removalCount(): number {
    return this.removed.size;
  }

  /** Of the live publications. */
  get withdrawnCount(): number {
    return this.withdrawn;
  }

  find(subject: Subject): Entry | undefined {
    return this.slots.get(subject.slot)?.get(keyOf(subject));
  }

  ofSlot(slot: number): Iterable<Entry> {
    return this.slots.get(slot)?.values() ?? [];
  }

  /** The live publications that a connection keeps alive. */
  ownedBy(connection: ConnectionId): ReadonlySet<Entry> {
    return this.owned.get(connection) ?? NONE;
  }

  hold(subject: Subject, publication: Publication, stampedHere: boolean, isWithdrawn = false): Entry {
    const entry = this.entry(subject, publication.stamp);
    this.disown(entry);
    this.removed.delete(entry);
    if (!entry.publication) this.live++;
    this.count(entry, -1);
    entry.publication = publication;
    entry.isWithdrawn = isWithdrawn;
    this.count(entry, 1);
    entry.cause = undefined;
    entry.stamp = publication.stamp;
    entry.stampedHere = stampedHere;
    const { owner } = publication;
    if (owner.kind === 'connected') {
      let entries = this.owned.get(owner.connection);
      if (!entries) this.owned.set(owner.connection, (entries = new Set()));
      entries.add(entry);
    }
    return entry;
  }

  /** From now on the leader is told that it is removed, at the stamp it has. */
  withdraw(entry: Entry): void {
    this.count(entry, -1);
    entry.isWithdrawn = true;
    this.count(entry, 1);
  }

  /** Also for what is not held: the leader must learn of it, or a replica could bring it back. */
  remove(subject: Subject, stamp: Stamp, cause: RemovalCause, untilMs: number, stampedHere: boolean): Entry {
    const entry = this.entry(subject, stamp);
    this.disown(entry);
    if (entry.publication) this.live--;
    this.count(entry, -1);
    entry.publication = undefined;
    entry.isWithdrawn = false;
    entry.cause = cause;
    entry.stamp = stamp;
    entry.untilMs = untilMs;
    entry.stampedHere = stampedHere;
    this.removed.delete(entry);
    this.removed.add(entry);
    if (this.removed.size > BOUNDS.removals) this.drop(this.removed.values().next().value!);
    return entry;
  }

  /** Forgets an entry altogether. */
  drop(entry: Entry): void {
    this.disown(entry);
    if (entry.publication) this.live--;
    this.count(entry, -1);
    this.removed.delete(entry);
    const entries = this.slots.get(entry.slot);
    entries?.delete(keyOf(entry));
    if (entries?.size !== 0) return;
    this.slots.delete(entry.slot);
    this.sums.delete(entry.slot);
  }

  forgetRemovals(nowMs: number): void {
    for (const entry of this.removed) {
      if (entry.untilMs > nowMs) return;
      this.drop(entry);
    }
  }

  digest(slot: number): { entries: DigestEntry[]; removals: DigestRemoval[] } {
    const entries: DigestEntry[] = [];
    const removals: DigestRemoval[] = [];
    for (const entry of this.ofSlot(slot)) {
      const { registerId, dataInfoId, stamp } = entry;
      const publication = offered(entry);
      if (publication) entries.push({ registerId, dataInfoId, stamp, leased: publication.owner.kind === 'leased' });
      else removals.push({ registerId, dataInfoId, stamp, cause: causeOf(entry) });
    }
    return { entries, removals };
  }

  /** About as much as a leader that lacks all of it is to be sent. */
  bytesOf(slot: number): number {
    let bytes = 0;
    for (const { registerId, dataInfoId, publication } of this.ofSlot(slot))
      bytes += ENTRY_BYTES + registerId.length + dataInfoId.length + (publication?.body.byteLength ?? 0);
    return bytes;
  }

  /** The hash of what is live in the slot. */
  hash(slot: number): ContentHash {
    return formatHash(this.sums.get(slot) ?? { high: 0, low: 0 });
  }

  private count({ slot, publication, isWithdrawn }: Entry, times: 1 | -1): void {
    if (!publication) return;
    if (isWithdrawn) {
      this.withdrawn += times;
      return;
    }
    let sum = this.sums.get(slot);
    if (!sum) this.sums.set(slot, (sum = { high: 0, low: 0 }));
    addPublication(publication, times, sum);
  }

  private entry(subject: Subject, stamp: Stamp): Entry {
    const { slot, dataInfoId, registerId } = subject;
    let entries = this.slots.get(slot);
    if (!entries) this.slots.set(slot, (entries = new Map()));
    const key = keyOf(subject);
    let entry = entries.get(key);
    if (!entry) {
      entry = {
        slot,
        dataInfoId,
        registerId,
        stamp,
        publication: undefined,
        cause: undefined,
        isWithdrawn: false,
        untilMs: 0,
        stampedHere: false,
        restamps: 0,
        waiters: NO_WAITERS,
      };
      entries.set(key, entry);
    }
    return entry;
  }

  private disown(entry: Entry): void {
    const owner = entry.publication?.owner;
    if (owner?.kind !== 'connected') return;
    const entries = this.owned.get(owner.connection);
    entries?.delete(entry);
    if (entries?.size === 0) this.owned.delete(owner.connection);
  }
}

/** What the leader is to have of an entry: its publication, or that there is none. */
export function offered({ publication, isWithdrawn }: Entry): Publication | undefined {
  return isWithdrawn ? undefined : publication;
}

/** Of an entry that the leader is to have removed. */
export function causeOf({ cause }: Entry): RemovalCause {
  return cause ?? 'operator';
}

type DigestRemoval = { registerId: string; dataInfoId: DataInfoId; stamp: Stamp; cause: RemovalCause };

const NONE: ReadonlySet<Entry> = new Set();

/** No name holds a line feed, so the key is unambiguous. */
function keyOf(subject: Subject): string {
  return `${subject.registerId}\n${subject.dataInfoId}`;
}
