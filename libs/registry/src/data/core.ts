import {
  type Core,
  type DataInfoId,
  type FromMeta,
  type LinkEvent,
  type LinkId,
  type RoutingTable,
  type SessionToData,
} from '#model';
import { slotOf } from '#sharding';
import type { MembershipEvent } from '../membership/contract.js';
import { Membership } from '../membership/membership.js';
import type { DataEffect, DataEvent, DataLimits, DataOptions } from './contract.js';
import type { DataStats, DatumReport, SlotReport } from './inspect.js';
import { interner } from './intern.js';
import { Leadership } from './leadership.js';
import { DATA_LIMITS } from './limits.js';
import type { RecordedRemoval } from './removal-log.js';
import { Sessions } from './sessions.js';
import { SlotLeader, type SlotMessage } from './slot-leader.js';
import { checkMessage } from './validate.js';

/** How often the slots are swept for what time brings. Deadlines are met that much late at most. */
const SWEEP_MS = 200;
/** Work units per sweep: removals, tombstones forgotten. What remains waits for the next, which then comes soon. */
const SWEEP_BUDGET = 5_000;
const SWEEP_AGAIN_MS = 10;
/** A sweep later than this was held up by a pause of the process, in which silence of others means nothing. */
const PAUSE_MS = 1_000;

/** The brain of a data server: routes links and messages to the slots it leads. See `SlotLeader` for what those do. */
export class DataCore implements Core<DataEvent, DataEffect> {
  private readonly membership: Membership;
  private readonly limits: DataLimits;
  private readonly sessions: Sessions;
  private readonly leadership: Leadership;
  private nowMs = 0;
  private effects: DataEffect[] = [];
  private sweepAtMs: number | undefined;
  private resumedAtMs = -Infinity;
  private askedWakeMs: number | undefined;
  private isEnded = false;
  private partialLogged = false;
  private startedAtMs = 0;
  /** The incarnation before this one, if the saved table names it; whether this one has taken its place. */
  private readonly predecessor: string | undefined;
  private standsIn = false;

  constructor(private readonly options: DataOptions) {
    const limits = { ...DATA_LIMITS, ...options.limits };
    this.limits = limits;
    this.membership = new Membership(options);
    this.sessions = new Sessions(limits.orphanGraceMs);
    const shared = { limits, sessions: this.sessions, intern: interner() };
    this.leadership = new Leadership(
      options.self.incarnation,
      (slot, leaderEpoch, waitFor, firstSequence) =>
        new SlotLeader({ ...shared, slot, leaderEpoch, waitFor, firstSequence, nowMs: this.nowMs }),
    );
    this.predecessor = options.run > 0 ? predecessorOf(options) : undefined;
  }

  get clusterId(): string | undefined {
    return this.membership.clusterId;
  }

  get table(): RoutingTable | undefined {
    return this.membership.table;
  }

  get state(): Membership['state'] {
    return this.membership.state;
  }

  /** Out of touch with meta since its start, and leading by its saved table. */
  get isStandIn(): boolean {
    return this.standsIn;
  }

  step(nowMs: number, event: DataEvent): DataEffect[] {
    this.nowMs = nowMs;
    this.effects = [];
    if (this.isEnded) return this.effects;
    this.notePause();
    this.route(event);
    if (!this.isEnded) {
      if (this.sweepAtMs !== undefined && nowMs >= this.sweepAtMs) this.sweep();
      this.askWake(event.type === 'wake');
    }
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  slots(): SlotReport[] {
    return [...this.leadership.leaders()].map(({ replica, waitingFor }) => ({
      slot: replica.slot,
      leaderEpoch: replica.leaderEpoch,
      sequence: replica.sequence,
      complete: replica.isComplete,
      waitingFor,
      datums: replica.datumCount,
      publications: replica.publicationCount,
      tombstones: replica.tombstoneCount,
    }));
  }

  /** Undefined when the slot of the datum is not led here. A datum nobody published is an empty one. */
  datum(dataInfoId: DataInfoId): DatumReport | undefined {
    const replica = this.table && this.leadership.at(slotOf(dataInfoId, this.table.slots.length))?.replica;
    return (
      replica && {
        dataInfoId,
        slot: replica.slot,
        version: replica.version(dataInfoId),
        complete: replica.isComplete,
        publications: replica.publications(dataInfoId),
      }
    );
  }

  /** The latest disappearances in a slot led here, oldest first. */
  removals(slot: number): RecordedRemoval[] {
    return this.leadership.at(slot)?.replica.removals.list() ?? [];
  }

  stats(): DataStats {
    const stats = { slotsLed: 0, slotsPartial: 0, datums: 0, publications: 0, tombstones: 0 };
    for (const { replica } of this.leadership.leaders()) {
      stats.slotsLed++;
      if (!replica.isComplete) stats.slotsPartial++;
      stats.datums += replica.datumCount;
      stats.publications += replica.publicationCount;
      stats.tombstones += replica.tombstoneCount;
    }
    return { ...stats, sessionLinks: [...this.sessions.links()].length };
  }

  private route(event: DataEvent): void {
    switch (event.type) {
      case 'start':
        this.startedAtMs = this.nowMs;
        this.sweepAtMs = this.nowMs + SWEEP_MS;
        if (this.table) this.followTable(this.table);
        return this.stepMembership(event);
      case 'stop':
        return this.stepMembership(event);
      case 'wake':
        return this.stepMembership(event);
      default:
        if (this.membership.owns(event)) return this.stepMembership(event as LinkEvent<FromMeta>);
        return this.sessionEvent(event as LinkEvent<SessionToData>);
    }
  }

  private stepMembership(event: MembershipEvent): void {
    const { effects, table, switches, expelled } = this.membership.step(this.nowMs, event);
    this.effects.push(...effects);
    if (switches) this.effects.push({ type: 'saveSwitches', switches });
    if (table) {
      this.effects.push({ type: 'saveTable', table });
      // From here on meta's word decides who leads.
      this.standsIn = false;
      this.leadership.standInFor(undefined);
      this.followTable(table);
    }
    if (expelled) {
      this.isEnded = true;
      this.effects.push({ type: 'restart', reason: 'Meta no longer knows this incarnation.' });
    }
  }

  private followTable(table: RoutingTable): void {
    this.sessions.takeTable(this.nowMs, table);
    const { begun, ended } = this.leadership.takeTable(table);
    for (const leader of ended) this.ended(leader);
    if (begun.length === 0 && ended.length === 0) return;
    const fields = { begun: begun.length, ended: ended.length, leading: this.leadership.size, tableEpoch: table.epoch };
    this.log('info', 'slots-changed', fields);
  }

  /** The contents go with the leader; whoever was promised changes hears that no more will come. */
  private ended({ replica }: SlotLeader): void {
    for (const link of replica.interest.links()) this.moved(link, replica.slot);
  }

  private sessionEvent(event: LinkEvent<SessionToData>): void {
    switch (event.type) {
      case 'linkUp':
        return this.linkUp(event);
      case 'linkDown':
        return this.linkDown(event.link);
      case 'received':
        return this.receive(event.link, event.message);
      case 'dialFailed':
        return undefined;
    }
  }

  private linkUp({ link, address, hello }: Extract<LinkEvent<never>, { type: 'linkUp' }>): void {
    if (hello.role !== 'session') return this.hangUp(link, `A ${hello.role} server has no business here.`);
    if (hello.clusterId !== undefined && this.clusterId !== undefined && hello.clusterId !== this.clusterId) {
      this.log('warn', 'cluster-mismatch', { peer: address, ours: this.clusterId, theirs: hello.clusterId });
      return this.hangUp(link, 'The session server belongs to another cluster.');
    }
    const older = this.sessions.linkUp(this.nowMs, link, hello.incarnation);
    if (this.standsIn) this.tellStandIn(link);
    if (older === undefined) return undefined;
    for (const leader of this.leadership.leaders()) leader.dropLink(older);
    this.hangUp(older, 'A newer link of the same incarnation replaced this one.');
  }

  /** The session server may be dead; meta is to look. Of a link that was given up here no peer is known any more. */
  private linkDown(link: LinkId): void {
    const incarnation = this.sessions.peerOf(link)?.incarnation;
    this.dropLink(link);
    if (incarnation !== undefined) this.effects.push(...this.membership.suspect(this.nowMs, incarnation));
  }

  private dropLink(link: LinkId): void {
    if (!this.sessions.linkDown(link)) return;
    for (const leader of this.leadership.leaders()) leader.dropLink(link);
  }

  private receive(link: LinkId, message: SessionToData): void {
    const peer = this.sessions.heard(this.nowMs, link);
    if (!peer) return;
    switch (checkMessage(message, this.belongs)) {
      case 'unknown':
        return;
      case 'malformed':
        this.log('error', 'malformed-message', {
          session: peer.incarnation,
          kind: (message as { kind?: unknown })?.kind,
        });
        this.dropLink(link);
        return this.hangUp(link, 'A message was not of the protocol.');
      case 'ok':
    }
    if (message.kind === 'ping') {
      const { sequence } = message;
      const tableEpoch = this.table?.epoch ?? 0;
      this.effects.push({ type: 'send', link, message: { kind: 'pong', sequence, tableEpoch } });
    } else if (message.kind === 'tableRequest') {
      if (this.table) this.effects.push({ type: 'send', link, message: { kind: 'table', table: this.table } });
    } else {
      const leader = this.leaderFor(message);
      if (leader) leader.receive(this.nowMs, peer, message, this.isInTouch, this.effects);
      else this.moved(link, message.slot, 'requestId' in message ? message.requestId : undefined);
    }
  }

  /** The leader that the message is meant for: of its slot, at exactly the leaderEpoch it names (invariant 6). */
  private leaderFor({ slot, leaderEpoch }: SlotMessage): SlotLeader | undefined {
    // A slot that no table has cannot be believed about, and must not take memory.
    if (slot >= (this.table?.slots.length ?? 0)) return undefined;
    const ended = this.leadership.see(slot, leaderEpoch);
    if (ended) {
      this.log('warn', 'superseded', { slot, leaderEpoch: ended.replica.leaderEpoch, seen: leaderEpoch });
      this.ended(ended);
    }
    const leader = this.leadership.at(slot);
    return leader?.replica.leaderEpoch === leaderEpoch ? leader : undefined;
  }

  private readonly belongs = (dataInfoId: DataInfoId, slot: number): boolean => {
    const { table } = this;
    if (!table || this.leadership.at(slot)?.replica.has(dataInfoId)) return true;
    return slotOf(dataInfoId, table.slots.length) === slot;
  };

  private moved(link: LinkId, slot: number, requestId?: number): void {
    this.effects.push({
      type: 'send',
      link,
      message: {
        kind: 'moved',
        slot,
        leaderEpoch: this.leadership.seenEpoch(slot),
        tableEpoch: this.table?.epoch ?? 0,
        ...(requestId === undefined ? {} : { requestId }),
      },
    });
  }

  /** Acknowledged by meta lately, and not just back from a pause, during which anything may have happened. */
  private get isInTouch(): boolean {
    return this.membership.state === 'joined' && this.nowMs - this.resumedAtMs > PAUSE_MS;
  }

  private notePause(): void {
    if (this.sweepAtMs === undefined || this.nowMs - this.sweepAtMs <= PAUSE_MS) return;
    this.resumedAtMs = this.nowMs;
    this.sessions.resumed(this.nowMs);
  }

  /** See `Leadership`. A meta server that answers but has no leader to name is as good as none. */
  private standInIfNeeded(): void {
    const { membership, predecessor, table, nowMs } = this;
    if (this.standsIn || predecessor === undefined || !table || !membership.isWithoutMeta) return;
    if (nowMs - this.startedAtMs < this.limits.standInMs) return;
    this.standsIn = true;
    this.leadership.standInFor({ incarnation: predecessor, run: this.options.run });
    this.log('warn', 'standing-in', { predecessor, run: this.options.run, tableEpoch: table.epoch });
    this.followTable(table);
    for (const link of this.sessions.links()) this.tellStandIn(link);
  }

  private tellStandIn(link: LinkId): void {
    this.effects.push({ type: 'send', link, message: { kind: 'standIn', incarnation: this.predecessor! } });
  }

  private sweep(): void {
    const { nowMs, sessions, leadership } = this;
    this.standInIfNeeded();
    for (const link of sessions.idleLinks(nowMs, this.limits.linkIdleMs)) {
      this.dropLink(link);
      this.hangUp(link, 'Nothing came over the link for too long.');
    }
    const sweep = {
      nowMs,
      settledReadAtMs: this.membership.settledReadAtMs,
      mayEndLeases: this.isInTouch,
      renewableSinceMs: sessions.renewableSinceMs(nowMs),
      budget: SWEEP_BUDGET,
    };
    const overdue = new Set<string>();
    let partial = 0;
    for (const leader of leadership.leaders()) {
      leader.sweep(sweep, this.effects);
      for (const incarnation of leader.overdue(nowMs)) overdue.add(incarnation);
      if (!leader.replica.isComplete) partial++;
    }
    this.membership.reportUnreconciled([...overdue]);
    this.logCompleteness(partial, overdue);
    const isNeeded = (incarnation: string): boolean => leadership.some((leader) => leader.needs(incarnation));
    for (const incarnation of sessions.forget(nowMs, isNeeded)) {
      for (const leader of leadership.leaders()) leader.forget(incarnation);
    }
    this.sweepAtMs = nowMs + (sweep.budget > 0 ? SWEEP_MS : SWEEP_AGAIN_MS);
  }

  private logCompleteness(partial: number, overdue: Set<string>): void {
    if (partial === 0 && this.partialLogged) this.log('info', 'slots-complete', { leading: this.leadership.size });
    else if (partial > 0 && !this.partialLogged) this.log('info', 'slots-partial', { partial, overdue: overdue.size });
    this.partialLogged = partial > 0;
  }

  private askWake(isDue: boolean): void {
    const atMs = Math.min(this.sweepAtMs ?? Infinity, this.membership.wakeAtMs ?? Infinity);
    if (atMs === Infinity || (atMs === this.askedWakeMs && !isDue)) return;
    this.askedWakeMs = atMs;
    this.effects.push({ type: 'wake', atMs });
  }

  private hangUp(link: LinkId, reason: string): void {
    this.effects.push({ type: 'hangUp', link, reason });
  }

  private log(level: 'info' | 'warn' | 'error', event: string, fields: Record<string, unknown>): void {
    this.effects.push({ type: 'log', level, event, fields });
  }
}

/** Who ran at our address when the table was saved in our folder. */
function predecessorOf({ self, table }: DataOptions): string | undefined {
  return table?.members.find(({ role, address }) => role === 'data' && address === self.address)?.incarnation;
}
