import {
  type KeyAsk,
  type KeyChange,
  type KeyEntry,
  type KeyResult,
  type KeySpan,
  type LinkId,
  type SlotAt,
  type SlotChange,
  isNativeChange,
} from '#model';
import type { SessionContext } from '../context.js';
import type { Slots } from '../slots.js';
import type { KeyAsks } from './key-asks.js';
import { changesBetween } from './key-difference.js';
import type { KeyQuestions } from './key-questions.js';
import { NativeFeed } from './native-feed.js';

const RETRY_MS = 100;
/** Changes wait this long for a slot without a leader; then it is gone past. */
const PATIENCE_MS = 5_000;
const KEPT_CHANGES = 5_000;
/** So many changes wait for a leader that has not told all of its own yet. With more, watches begin anew. */
const WAITING_MAX = 20_000;

const NOTHING: ReadonlyMap<string, KeyEntry> = new Map();

/** A slot of a feed. */
interface FeedSlot {
  /** Who tells its changes: undefined while nobody does. */
  from: { link: LinkId; leaderEpoch: number } | undefined;
  isAsking: boolean;
  /** Undefined until it was told once. */
  entries: Map<string, KeyEntry> | undefined;
  lostAtMs: number;
}

export interface FeedListener {
  /** Of one revision, in order of revisions. */
  changed(changes: KeyChange[]): void;
  /** Everything up to here has been told. */
  settled(revision: number): void;
  /** Something happened of which is not known what, at this revision or before. */
  gap(revision: number): void;
  ready(revision: number): void;
}

/**
 * All changes of a range, in order, as the leaders of its slots tell them. Nothing is passed on before every leader has said that
 * it has told all it has to tell up to that revision. Where a slot gets another leader, its keys are compared with what was
 * known of them, and what has happened once is told as that.
 */
export class KeyFeed {
  /** All up to here has been passed on, and nothing at it or before is passed on any more. */
  delivered = 0;
  /** What has been passed on is kept from the revision after this one on. */
  floor = 0;
  isReady = false;
  readonly kept: KeyChange[] = [];
  readonly listeners = new Set<FeedListener>();
  private readonly slots = new Map<number, FeedSlot>();
  private readonly settled = new Map<LinkId, number>();
  private readonly settling = new Set<LinkId>();
  private waiting: KeyChange[] = [];
  private wanted = 0;
  private isRetrying = false;
  private isOver = false;
  private compacted = 0;
  private readonly natives: NativeFeed | undefined;

  constructor(
    readonly watchId: number,
    readonly span: KeySpan,
    /** The first revision that is wanted, or 0. */
    private readonly from: number,
    private readonly questions: KeyQuestions,
  ) {
    const lostAtMs = questions.context.nowMs;
    for (const slot of questions.slotsOf(span))
      this.slots.set(slot, { from: undefined, isAsking: false, entries: undefined, lostAtMs });
    const native = questions.nativeIn(span);
    if (native && this.slots.has(native.slot)) this.natives = new NativeFeed(native.slot, native.service, span);
  }

  private get context(): SessionContext {
    return this.questions.context;
  }

  private get all(): Slots {
    return this.questions.slots;
  }

  private get asks(): KeyAsks {
    return this.questions.asks;
  }

  /** What has come and is not passed on yet. */
  get onTheWay(): readonly KeyChange[] {
    return this.waiting;
  }

  /** Nobody listens any more. */
  end(): void {
    this.isOver = true;
    const { watchId } = this;
    for (const link of this.settled.keys())
      this.asks.send(link, { op: 'unwatch', at: [], watchId }, 0, { answered: () => {}, lost: () => {} });
  }

  /** Asks whoever leads a slot now, where that is another than the one who tells its changes. */
  sync(): void {
    if (this.isOver) return;
    const wanted: number[] = [];
    for (const [number, slot] of this.slots) {
      const { link, leaderEpoch } = this.all.all[number]!;
      if (slot.from && (slot.from.link !== link || slot.from.leaderEpoch !== leaderEpoch)) this.lose(slot);
      if (!slot.from && !slot.isAsking) wanted.push(number);
    }
    const links = new Set([...this.slots.values()].map(({ from }) => from?.link));
    for (const link of this.settled.keys()) if (!links.has(link)) this.settled.delete(link);
    const without: number[] = [];
    for (const [link, slots] of this.asks.byLink(wanted, without)) this.ask(link, slots);
    if (without.length > 0) this.retry();
    this.deliver();
  }

  /** All that has happened so far is to be told, and then that it has been. */
  settle(): void {
    this.wanted = Math.max(this.wanted, this.asks.seen);
    this.deliver();
  }

  changed(link: LinkId, revision: number, changes: SlotChange[]): void {
    for (const change of changes) {
      const slot = this.slots.get(change.slot);
      if (slot?.from?.link !== link || !slot.entries) continue;
      if (!isNativeChange(change)) {
        if (change.entry) slot.entries.set(change.key, change.entry);
        else slot.entries.delete(change.key);
      }
      this.take(change, slot.entries);
    }
    this.settled.set(link, Math.max(this.settled.get(link) ?? 0, revision));
    this.asks.see(revision);
    this.deliver();
  }

  /** @param put what is put in the slot now */
  private take(change: SlotChange, put: ReadonlyMap<string, KeyEntry>): void {
    const { natives } = this;
    if (!isNativeChange(change)) return this.arrive(natives ? natives.over(change) : change);
    for (const each of natives?.changed(change, (key) => put.has(key)) ?? []) this.arrive(each);
  }

  private arrive(change: KeyChange): void {
    if (change.revision <= this.delivered) return this.gap(this.delivered);
    this.waiting.push(change);
    if (this.waiting.length <= WAITING_MAX) return;
    this.delivered = this.waiting.reduce((most, { revision }) => Math.max(most, revision), this.delivered);
    this.waiting = [];
    this.gap(this.delivered);
  }

  private ask(link: LinkId, slots: number[]): void {
    const at = slots.map((slot): SlotAt => [slot, this.all.all[slot]!.leaderEpoch]);
    const isFirst = slots.every((slot) => !this.slots.get(slot)!.entries);
    const { watchId, span } = this;
    const name = this.natives ? { native: this.natives.name } : {};
    const ask: KeyAsk = { op: 'watch', at, watchId, span, from: isFirst && !this.isReady ? this.from : 0, ...name };
    for (const slot of slots) this.slots.get(slot)!.isAsking = true;
    const free = (): void => {
      for (const slot of slots) this.slots.get(slot)!.isAsking = false;
    };
    this.asks.send(link, ask, this.from > 0 ? this.from - 1 : 0, {
      answered: ({ result, revision }) => {
        free();
        if (this.isOver) return;
        if (result.op !== 'watch') return this.retry();
        const entries = new Map<number, Map<string, KeyEntry>>(slots.map((slot) => [slot, new Map()]));
        for (const entry of result.entries) entries.get(this.questions.slotOfKey(entry.key))?.set(entry.key, entry);
        if (result.compacted !== undefined) this.compacted = Math.max(this.compacted, result.compacted);
        this.takeNatives(result, entries, revision);
        for (const [number, leaderEpoch] of at) {
          const slot = this.slots.get(number)!;
          this.compare(slot, number, entries.get(number)!, revision);
          slot.entries = entries.get(number)!;
          slot.from = { link, leaderEpoch };
        }
        // What is on its way to disks has its revision already, and is told later.
        if (!this.settled.has(link)) this.settled.set(link, 0);
        this.sync();
      },
      lost: () => {
        free();
        this.retry();
      },
    });
  }

  private takeNatives(
    { natives: shown, changes }: Extract<KeyResult, { op: 'watch' }>,
    entries: ReadonlyMap<number, ReadonlyMap<string, KeyEntry>>,
    revision: number,
  ): void {
    const { natives } = this;
    const put = natives && entries.get(natives.slot);
    const isLate = this.isReady;
    if (put && shown && !natives.isKnown) {
      natives.begin(shown, changes);
      // Whoever listens already has missed what was changed before.
      if (isLate) this.gap(revision);
    } else if (put && shown)
      for (const each of natives.compared(shown, revision, (key) => put.has(key))) this.arrive(each);
    for (const change of changes) this.take(change, put ?? NOTHING);
    if (put && shown) natives.knows(revision);
  }

  private compare(slot: FeedSlot, number: number, entries: Map<string, KeyEntry>, revision: number): void {
    if (!slot.entries) {
      // Whoever listens already was told that it would be told everything from then on.
      const isMissed = this.isReady && [...entries.values()].some((entry) => entry.modRevision > this.delivered);
      if (isMissed) this.gap(revision);
      return;
    }
    const changes = changesBetween(slot.entries, entries, number);
    if (!changes || changes.some((change) => change.revision <= this.delivered)) this.gap(revision);
    else for (const change of changes) this.arrive(change);
  }

  private gap(revision: number): void {
    for (const listener of [...this.listeners]) listener.gap(revision);
    this.floor = Math.max(this.floor, revision);
  }

  private lose(slot: FeedSlot): void {
    slot.from = undefined;
    slot.lostAtMs = this.context.nowMs;
  }

  private retry(): void {
    if (this.isRetrying || this.isOver) return;
    this.isRetrying = true;
    this.context.timers.at(this.context.nowMs + RETRY_MS, () => {
      this.isRetrying = false;
      this.sync();
    });
  }

  /** Passes on what everybody has settled, and has those asked who have not. */
  private deliver(): void {
    if (this.isOver) return;
    let target = Infinity;
    for (const slot of this.slots.values()) {
      if (!slot.from && this.context.nowMs - slot.lostAtMs < PATIENCE_MS) return;
      if (slot.from) target = Math.min(target, this.settled.get(slot.from.link) ?? 0);
    }
    if (!this.isReady) this.becomeReady();
    if (this.isOver) return;
    const last = this.waiting.reduce((most, { revision }) => Math.max(most, revision), this.wanted);
    if (target === Infinity) target = last;
    const due = this.waiting.filter(({ revision }) => revision <= target);
    this.waiting = this.waiting.filter(({ revision }) => revision > target);
    due.sort((a, b) => a.revision - b.revision);
    for (const together of byRevision(due)) {
      this.delivered = together[0]!.revision;
      this.kept.push(...together);
      for (const listener of [...this.listeners]) listener.changed(together);
    }
    if (this.isOver) return;
    this.forget();
    if (target >= this.wanted && this.wanted > 0) {
      this.delivered = Math.max(this.delivered, this.wanted);
      for (const listener of [...this.listeners]) listener.settled(this.wanted);
      this.wanted = 0;
    }
    if (last > target) this.askToSettle(last);
  }

  private becomeReady(): void {
    if (this.compacted > 0) this.gap(this.compacted);
    if (this.isOver) return;
    this.isReady = true;
    this.floor = Math.max(this.floor, this.from > 0 ? this.from - 1 : this.asks.seen);
    if (this.from === 0) this.wanted = this.asks.seen;
    for (const listener of [...this.listeners]) listener.ready(this.asks.seen);
  }

  private askToSettle(revision: number): void {
    for (const [link, settled] of this.settled) {
      if (settled >= revision || this.settling.has(link)) continue;
      this.settling.add(link);
      this.asks.send(link, { op: 'settle', at: [] }, revision, {
        answered: ({ result, revision: told }) => {
          this.settling.delete(link);
          // Who has refused, as one that knows no table as late as that, has not told everything up to there.
          if (result.op !== 'done') return this.retry();
          if (this.settled.has(link)) this.settled.set(link, Math.max(this.settled.get(link)!, told));
          this.deliver();
        },
        lost: () => this.settling.delete(link),
      });
    }
  }

  private forget(): void {
    const excess = this.kept.length - KEPT_CHANGES;
    if (excess <= 0) return;
    this.floor = this.kept[excess - 1]!.revision;
    this.kept.splice(
      0,
      this.kept.findIndex(({ revision }) => revision > this.floor),
    );
  }
}

/** Changes that are in the order of their revisions, those of one revision together. */
export function* byRevision(changes: readonly KeyChange[]): Generator<KeyChange[]> {
  for (let from = 0; from < changes.length;) {
    let to = from + 1;
    while (changes[to]?.revision === changes[from]!.revision) to++;
    yield changes.slice(from, to);
    from = to;
  }
}
