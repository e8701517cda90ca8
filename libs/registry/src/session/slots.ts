import {
  type DataInfoId,
  type DataToSession,
  type LinkId,
  type RoutingTable,
  type SessionToData,
  type Traced,
} from '#model';
import { slotOf } from '#sharding';
import type { SessionContext } from './context.js';
import { DataLinks } from './data-links.js';
import { DigestTurns } from './digest-turns.js';
import type { Holdings } from './holdings.js';
import { TICK_MS } from './limits.js';
import { Returns } from './returns.js';
import { type Sent, SlotLink } from './slot-link.js';
import type { SlotLinkOwner } from './slot-link-owner.js';

/** What is told beside operations. */
export type Accepted = Pick<Extract<SessionToData, { kind: 'operations' }>, 'acceptedAtMs' | 'traces'>;

/** Every slot of the table, each joined with the link to its leader whenever there is one. */
export class Slots {
  readonly links: DataLinks;
  all: SlotLink[] = [];
  /** True once every slot was reconciled with its leader at the same time. */
  hasBeenWhole = false;

  readonly returns: Returns;
  private touched = new Set<SlotLink>();
  private nextCompared = 0;
  private readonly turns: DigestTurns;

  constructor(
    private readonly context: SessionContext,
    private readonly holdings: Holdings,
    private readonly owner: { linkGone(link: LinkId): void } & Omit<
      SlotLinkOwner,
      'send' | 'nextSequence' | 'accepted' | 'ended' | 'touched' | 'touchedByReturn'
    >,
  ) {
    this.returns = new Returns(context, (slot) => this.touched.add(slot));
    this.turns = new DigestTurns(context.limits.digestedBytes, ({ slot }) => holdings.bytesOf(slot));
    this.links = new DataLinks(context, {
      linkUp: (incarnation, link) => this.linkUp(incarnation, link),
      linkGone: (link) => {
        this.turns.drop(link);
        for (const slot of this.all) slot.lost(link);
        this.owner.linkGone(link);
      },
    });
  }

  slotOf(dataInfoId: DataInfoId): number {
    return slotOf(dataInfoId, this.all.length);
  }

  takeTable(table: RoutingTable): void {
    if (this.all.length === 0) this.all = table.slots.map((_, slot) => this.makeSlot(slot));
    table.slots.forEach(({ leader, leaderEpoch }, slot) => this.all[slot]!.assign(leader, leaderEpoch));
    this.links.setMembers(table.members, followersOf(table));
    for (const slot of this.all) this.reopen(slot);
  }

  /** The slot link that a message of `link` is about, if that is the link to its leader. */
  at(slot: number, link: LinkId): SlotLink | undefined {
    const slotLink = this.all[slot];
    return slotLink?.link === link ? slotLink : undefined;
  }

  /** Also of a server that led the slot before its present leader. */
  moved(link: LinkId, message: Extract<DataToSession, { kind: 'moved' }>): void {
    this.all[message.slot]?.formerMoved(link, message.leaderEpoch);
    const slot = this.at(message.slot, link);
    if (slot) this.leaderMoved(slot, link, message);
  }

  private leaderMoved(slot: SlotLink, link: LinkId, message: Extract<DataToSession, { kind: 'moved' }>): void {
    const delayMs = slot.moved(message.leaderEpoch);
    if (message.tableEpoch > this.context.tableEpoch) this.links.send(link, { kind: 'tableRequest' });
    this.context.timers.at(this.context.nowMs + delayMs, () => this.reopen(slot));
  }

  flush(): void {
    for (let due = this.turns.takeDue(); due.length > 0; due = this.turns.takeDue())
      for (const slot of due) this.reopen(slot);
    if (this.touched.size === 0) return;
    for (const slot of this.touched) slot.flush();
    // Not cleared; see `Waiters` in `wire/write-turns.ts`.
    this.touched = new Set();
  }

  /**
   * Anti-entropy: a few slots each tick are compared with their leaders by a hash, and by a digest where that differs. It
   * finds, for one, that a leader took another session server's word over ours for a client without stamps, whom nobody
   * else would tell.
   */
  compareSome(): void {
    const share = Math.ceil((this.all.length * TICK_MS) / this.context.limits.compareMs);
    for (let i = 0; i < Math.min(share, this.all.length); i++)
      this.all[this.nextCompared++ % this.all.length]!.compare();
  }

  /**
   * The longest that a leader owes us an answer, of those that are members: the table goes on naming a dead one until
   * another can take over, and its silence is no fault of ours.
   */
  longestOwed(): { slot: number; leader: string; silenceMs: number } | undefined {
    let longest: { slot: number; leader: string; silenceMs: number } | undefined;
    for (const { slot, leader, owedSinceMs } of this.all) {
      if (leader === null || owedSinceMs === undefined || !this.links.isNamed(leader)) continue;
      const silenceMs = this.context.silenceMs(owedSinceMs);
      if (!longest || silenceMs > longest.silenceMs) longest = { slot, leader, silenceMs };
    }
    return longest;
  }

  /** Operations that no leader has answered yet. */
  get inFlightCount(): number {
    return this.all.reduce((sum, { inFlightCount }) => sum + inFlightCount, 0);
  }

  count(phase: SlotLink['phase']): number {
    let count = 0;
    for (const slot of this.all) if (slot.phase === phase) count++;
    return count;
  }

  noteWhole(): void {
    if (!this.hasBeenWhole && this.all.length > 0)
      this.hasBeenWhole = this.all.every((slot) => slot.phase === 'reconciled');
  }

  /** For people: what is missing until every slot was reconciled; undefined once all have been. */
  waitingFor(): string | undefined {
    this.noteWhole();
    if (this.hasBeenWhole) return undefined;
    const leaderless = this.all.filter((slot) => slot.leader === null).length;
    if (leaderless > 0) return `data servers, for ${leaderless} slots`;
    return `the leaders of ${this.all.length - this.count('reconciled')} slots`;
  }

  private makeSlot(slot: number): SlotLink {
    return new SlotLink(slot, this.context, this.holdings, {
      ...this.owner,
      send: (link, message) => this.links.send(link, message),
      nextSequence: (link) => this.links.nextSequence(link),
      accepted: (link, sent) => this.accepted(link, sent),
      ended: (ended) => this.turns.end(ended.link!, ended),
      touched: (touched) => this.touched.add(touched),
      touchedByReturn: (touched) => this.returns.wait(touched),
    });
  }

  /** When the oldest of them was accepted, as the data server is told that: by its clock, and not at all while that is unknown. */
  accepted(link: LinkId, sent: readonly Pick<Sent, 'acceptedAtMs' | 'traceId' | 'operation'>[]): Accepted {
    let oldestMs = Infinity;
    for (const { acceptedAtMs = Infinity } of sent) if (acceptedAtMs < oldestMs) oldestMs = acceptedAtMs;
    const acceptedAtMs = oldestMs === Infinity ? undefined : this.links.toTheirs(link, oldestMs);
    const traced = sent.filter(({ traceId }) => traceId !== undefined);
    return {
      ...(acceptedAtMs === undefined ? {} : { acceptedAtMs }),
      ...(traced.length > 0 ? { traces: traced.map((one) => this.traced(link, one)) } : {}),
    };
  }

  private traced(
    link: LinkId,
    { acceptedAtMs: ours, traceId, operation }: Pick<Sent, 'acceptedAtMs' | 'traceId' | 'operation'>,
  ): Traced {
    const { registerId } = operation.op === 'publish' ? operation.publication : operation;
    const acceptedAtMs = ours === undefined ? undefined : this.links.toTheirs(link, ours);
    return { traceId: traceId!, registerId, ...(acceptedAtMs === undefined ? {} : { acceptedAtMs }) };
  }

  private linkUp(incarnation: string, _link: LinkId): void {
    for (const slot of this.all) if (slot.leader === incarnation) this.reopen(slot);
  }

  private reopen(slot: SlotLink): void {
    if (slot.isOpen || slot.leader === null) return;
    if (slot.refusedUntilMs !== undefined && slot.refusedUntilMs > this.context.nowMs) return;
    const link = this.links.linkOf(slot.leader);
    if (link === undefined) return;
    if (this.turns.begin(link, slot)) slot.open(link);
    else slot.wait(link);
  }
}

/** By leader, whoever follows something that it leads. */
function followersOf({ slots }: RoutingTable): Map<string, Set<string>> {
  const followersOf = new Map<string, Set<string>>();
  for (const { leader, followers } of slots) {
    if (leader === null) continue;
    let known = followersOf.get(leader);
    if (!known) followersOf.set(leader, (known = new Set()));
    for (const follower of followers) known.add(follower);
  }
  return followersOf;
}

export type { Sent };
