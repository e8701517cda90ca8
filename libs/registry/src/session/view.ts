import { type DatumVersion, type Publication, type Scope, compareVersions, formatVersion } from '#model';
import type { HashSum } from '../content-hash.js';
import { addHash, formatViewHash, isSameHash } from '../view-hash.js';
import type { PushFrame, SubscriberBase } from './contract.js';
import type { CachedDatum, Change, Entry } from './datum-cache.js';
import { BOUNDS } from './limits.js';
import { type Passage, Passages } from './passages.js';
import { Lane } from './push-planner.js';
import type { Subscription } from './subscription.js';
import { ViewHistory } from './view-history.js';

type StateFrame = Extract<PushFrame, { type: 'snapshot' | 'partial' | 'delta' }>;

/** What a publication costs in a push beside its names and its body: keys, numbers, hash. */
const OVERHEAD_BYTES = 128;

/**
 * One filter on one datum, and who looks through it. Each state of it is one frame object, made when it is first needed and
 * shared by all its subscribers; each change too, for all who hold the same before.
 *
 * A view has a version of its own: the datum's when the content of the view last changed. So what happens to the datum
 * beside the view, such as in another zone, does not part its subscribers into some that hold one version and some that
 * hold another of the same content.
 */
export class View {
  readonly subscriptions = new Set<Subscription>();
  readonly lane = new Lane<Subscription>(this.subscriptions);
  /** Those who have not been sent any content. */
  readonly waiting = new Set<Subscription>();
  private version: DatumVersion;
  private readonly sum: HashSum = { high: 0, low: 0 };
  /** What a push of the whole would take, about. */
  private bytes = 0;
  private size = 0;
  private readonly history = new ViewHistory();
  readonly passages = new Passages();

  /** Of the present state, with and without hashes. */
  private whole: StateFrame | undefined;
  private plain: StateFrame | undefined;
  private unchanged: PushFrame | undefined;
  /** Of the change from a version to the present one, by that version. */
  private changes = new Map<string, StateFrame | undefined>();
  /** Frames that tell of temporary publications too, by the frame without and the list of those. */
  private temporary = new WeakMap<PushFrame, WeakMap<readonly Publication[], PushFrame>>();
  /** Publications in frames that were made and are still to be encoded. */
  private made = 0;

  constructor(
    readonly datum: CachedDatum,
    /** The only zone that is seen; undefined for all. */
    readonly zone: string | undefined,
  ) {
    this.version = datum.version;
    for (const entry of datum.entries.values()) if (this.shows(entry)) this.count(entry, 1);
  }

  /** To be called whenever the datum took a message. Answers whether anything changed in this view. */
  take(changes: readonly Change[], becameComplete: boolean, passage: Passage): boolean {
    const hash = { high: this.sum.high, low: this.sum.low };
    const touched = new Map<string, HashSum | undefined>();
    for (const { registerId, old, now } of changes) {
      const was = this.shows(old) ? old : undefined;
      const is = this.shows(now) ? now : undefined;
      if (!was && !is) continue;
      if (was) this.count(was, -1);
      if (is) this.count(is, 1);
      // Not the entry, which would keep its publication.
      if (!touched.has(registerId)) touched.set(registerId, was && { high: was.high, low: was.low });
    }
    if (touched.size > 0) {
      this.history.record(hash, touched, Math.min(Math.max(this.size, BOUNDS.touchedLeast), BOUNDS.touched));
      this.passages.add(this.history.serial, passage);
      this.raise();
    }
    // One version has one content only where that is complete, hence completion takes one in every view.
    else if (becameComplete) this.raise();
    return touched.size > 0;
  }

  /** Whether the latest change of its content touched the publication. */
  hasTouched(registerId: string): boolean {
    return this.history.since(this.history.serial - 1)?.has(registerId) ?? true;
  }

  /** True when there may be something to tell a subscriber who can be told now. */
  isAheadOf(subscription: Subscription): boolean {
    const { last, serial, temporary } = subscription;
    if (last === 'none' || last === 'pending' || temporary.length > 0) return true;
    return serial !== this.history.serial || (last === 'partial' && this.datum.state === 'complete');
  }

  /** What the subscription is to be sent now, or undefined when there is nothing to say yet. */
  frameFor(subscription: Subscription, clusterId: string): PushFrame | undefined {
    const { datum } = this;
    if (datum.state === 'unknown' || this.isBehindOf(subscription, clusterId)) return undefined;
    const { base, last, temporary } = subscription;
    const isFirst = last === 'none' || last === 'pending';
    const floor = floorOf(subscription, clusterId);
    if (datum.state === 'complete') {
      if (isFirst && base?.clusterId === clusterId) this.resume(subscription, base);
      if (floor && compareVersions(this.version, floor) < 0) this.raise();
      const isKnown = isFirst && subscription.serial === this.history.serial;
      if (isKnown && temporary.length === 0) return this.unchangedFrame(clusterId);
      const frame = this.stateFrame(subscription, clusterId);
      if (last === 'whole' && temporary.length === 0 && saysNothing(frame)) return this.passOver(subscription);
      return this.withTemporary(frame, temporary);
    }
    if (subscription.wholeOnly && base && isFirst) return undefined;
    if (compareVersions(this.version, datum.version) < 0) this.raise();
    const frame = this.stateFrame(subscription, clusterId);
    // While partial, an empty list says nothing, and nothing is told beside it.
    if (frame.type === 'partial' && frame.publications.length === 0 && frame.removed.length === 0)
      return last === 'none' ? { type: 'pending', dataInfoId: datum.dataInfoId } : this.passOver(subscription);
    return this.withTemporary(frame, temporary);
  }

  /** How many publications there are to encode since this was last asked. */
  takeMade(): number {
    const { made } = this;
    this.made = 0;
    return made;
  }

  /** Notes that the subscription was sent this frame of the present state. */
  sent(subscription: Subscription, frame: PushFrame): void {
    if (frame.type === 'pending') {
      subscription.last = 'pending';
      return;
    }
    this.waiting.delete(subscription);
    subscription.last = frame.type === 'partial' ? 'partial' : 'whole';
    subscription.lastVersion = frame.version;
    subscription.serial = this.history.serial;
    subscription.lastIsDelta = frame.type === 'delta';
    if (frame.type === 'snapshot') subscription.isExact = true;
    // A partial list is merged into one that is not known here, unless that is replaced, or had come from here.
    if (frame.type === 'partial' && frame.from === undefined) subscription.isExact = subscription.wholeOnly;
  }

  /** True when the client has seen a newer state than we hold; it is never taken back (invariant 5). */
  isBehindOf(subscription: Subscription, clusterId: string): boolean {
    const floor = floorOf(subscription, clusterId);
    return floor !== undefined && compareVersions(this.datum.version, floor) < 0;
  }

  /** What has changed has changed back, so what was sent last is the present content, too. */
  private passOver(subscription: Subscription): undefined {
    if (subscription.isExact) subscription.serial = this.history.serial;
  }

  /** Finds the content that a client brings from elsewhere among those that are remembered here. */
  private resume(subscription: Subscription, { version, hash }: SubscriberBase): void {
    const { serial } = this.history;
    const isPresent = hash
      ? isSameHash(hash, this.sum)
      : [this.version, this.datum.version].some((known) => compareVersions(version, known) === 0);
    const found = isPresent ? serial : hash && this.history.serialOf(hash);
    if (found === undefined) return;
    subscription.serial = found;
    subscription.lastVersion = version;
    // Who knows no hash of its list knows none of its publishers, and could take no delta.
    subscription.isExact = hash !== undefined;
  }

  /** The present content is that of the datum's present version, too. */
  private raise(): void {
    this.version = this.datum.version;
    this.whole = this.plain = this.unchanged = undefined;
    // Not cleared; see `Waiters` in `wire/write-turns.ts`.
    if (this.changes.size > 0) this.changes = new Map();
    this.temporary = new WeakMap();
  }

  private stateFrame(subscription: Subscription, clusterId: string): StateFrame {
    const { takesDeltas, isExact } = subscription;
    if (!takesDeltas) return (this.plain ??= this.wholeFrame(clusterId, false));
    return (isExact && this.changeFrame(subscription, clusterId)) || (this.whole ??= this.wholeFrame(clusterId, true));
  }

  private wholeFrame(clusterId: string, withHashes: boolean): StateFrame {
    const { dataInfoId, state, entries } = this.datum;
    const seen = [...entries.values()].filter((entry) => this.shows(entry));
    const publications = seen.map(({ publication }) => publication);
    this.made += publications.length;
    const head = { dataInfoId, clusterId, version: this.version, ...(withHashes ? { hashes: seen } : {}) };
    return state === 'complete'
      ? { type: 'snapshot', ...head, publications, hash: formatViewHash(this.sum) }
      : { type: 'partial', ...head, publications, removed: this.removed() };
  }

  /** From what the subscription was sent last to the present state; undefined where the whole is no more to tell. */
  private changeFrame(subscription: Subscription, clusterId: string): StateFrame | undefined {
    const { serial, lastVersion: from, wholeOnly } = subscription;
    // Who cannot merge is sent the whole while that is partial.
    if (!from || (wholeOnly && this.datum.state !== 'complete')) return undefined;
    const key = `${serial} ${formatVersion(from)}`;
    if (this.changes.has(key)) return this.changes.get(key);
    if (this.changes.size >= BOUNDS.deltasPerVersion) return undefined;
    const frame = this.makeChange(serial, from, clusterId);
    this.changes.set(key, frame);
    return frame;
  }

  private makeChange(serial: number, from: DatumVersion, clusterId: string): StateFrame | undefined {
    const difference = this.difference(serial);
    if (!difference) return undefined;
    const { upserts, removed } = difference;
    const { dataInfoId } = this.datum;
    const publications = upserts.map(({ publication }) => publication);
    this.made += publications.length;
    const change = { dataInfoId, clusterId, from, version: this.version, publications, hashes: upserts, removed };
    return this.datum.state === 'complete'
      ? { type: 'delta', ...change, hash: formatViewHash(this.sum) }
      : { type: 'partial', ...change };
  }

  private difference(serial: number): { upserts: Entry[]; removed: string[] } | undefined {
    const touched = this.history.since(serial);
    if (!touched) return undefined;
    const upserts: Entry[] = [];
    const removed: string[] = [];
    let bytes = 0;
    for (const [registerId, was] of touched) {
      const entry = this.datum.entries.get(registerId);
      const is = this.shows(entry) ? entry : undefined;
      if (is ? was && isSameHash(was, is) : !was) continue;
      if (is) upserts.push(is);
      else removed.push(registerId);
      bytes += is ? bytesOf(is) : registerId.length;
      if (bytes >= this.bytes) return undefined;
    }
    return { upserts, removed };
  }

  private withTemporary(frame: PushFrame, temporary: readonly Publication[]): PushFrame {
    if (temporary.length === 0) return frame;
    let made = this.temporary.get(frame);
    if (!made) this.temporary.set(frame, (made = new WeakMap()));
    let telling = made.get(temporary);
    if (!telling) made.set(temporary, (telling = { ...frame, temporary } as PushFrame));
    return telling;
  }

  private unchangedFrame(clusterId: string): PushFrame {
    const { version, sum } = this;
    const { dataInfoId } = this.datum;
    return (this.unchanged ??= { type: 'unchanged', dataInfoId, clusterId, version, hash: formatViewHash(sum) });
  }

  /**
   * What left this view, with a removal or by changing its zone, since the datum was last complete. Only what we have
   * shown ourselves: a client's list has no stamps, so a removal may be older than what it got elsewhere.
   */
  private removed(): string[] {
    const removed: string[] = [];
    for (const [registerId, { tookAway }] of this.datum.removals) if (tookAway) removed.push(registerId);
    if (this.zone === undefined) return removed;
    for (const registerId of this.datum.rezoned) {
      const entry = this.datum.entries.get(registerId);
      if (entry && !this.shows(entry)) removed.push(registerId);
    }
    return removed;
  }

  private shows(entry: Entry | undefined): entry is Entry {
    return entry !== undefined && (this.zone === undefined || entry.publication.zone === this.zone);
  }

  private count(entry: Entry, times: 1 | -1): void {
    addHash(this.sum, entry, times);
    this.bytes += times * bytesOf(entry);
    this.size += times;
  }
}

function saysNothing(frame: StateFrame): boolean {
  return frame.type === 'delta' && frame.publications.length === 0 && frame.removed.length === 0;
}

/** What the subscriber has at least seen. */
function floorOf({ base, lastVersion }: Subscription, clusterId: string): DatumVersion | undefined {
  return lastVersion ?? (base?.clusterId === clusterId ? base.version : undefined);
}

function bytesOf({ publication: { registerId, appName, zone, body } }: Entry): number {
  return registerId.length + appName.length + zone.length + body.byteLength + OVERHEAD_BYTES;
}

/** The zone that a view is confined to. There is one data center so far, so the wider scopes see everything. */
export function zoneOf(view: { scope: Scope; zone: string }): string | undefined {
  return view.scope === 'zone' ? view.zone : undefined;
}

export function select(publications: Iterable<Publication>, zone: string | undefined): Publication[] {
  if (zone === undefined) return [...publications];
  const seen: Publication[] = [];
  for (const publication of publications) if (publication.zone === zone) seen.push(publication);
  return seen;
}
