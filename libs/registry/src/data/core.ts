import {
  type Check,
  type Core,
  type DataInfoId,
  type FromMeta,
  type LinkEvent,
  type LeaderToRelay,
  type LeaderToReplica,
  type LinkId,
  type RelayToLeader,
  type ReplicaToLeader,
  type RoutingTable,
  type SessionToData,
  type LogLevel,
  type EventAt,
  logged,
} from '#model';
import type { Histogram } from '../histogram.js';
import type { MembershipEvent } from '../membership/contract.js';
import { Membership } from '../membership/membership.js';
import { CompletenessLog } from './completeness-log.js';
import type { DataEffect, DataEvent, DataLimits, DataOptions } from './contract.js';
import { FollowerLinks } from './follower-links.js';
import type { DataStats, DatumReport, FollowingReport, SlotLag, SlotReport } from './inspect.js';
import type { DataLists } from './lists/data-lists.js';
import { DATA_LIMITS } from './limits.js';
import { RelayedLinks } from './relays/relayed-links.js';
import { RelaysBetween } from './relays/relays-between.js';
import { PeerTables } from './peer-tables.js';
import type { RecordedRemoval } from './removal-log.js';
import { type SessionPeer, Sessions } from './sessions.js';
import type { SlotMessage } from './slot-leader.js';
import { SizeReports } from './size-reports.js';
import { Slots } from './slots.js';
import { StandIn } from './stand-in.js';
import { type LeaderToPeer, checkFromLeader, checkMessage } from './validate.js';

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
  private readonly held: Slots;
  private readonly standIn: StandIn;
  private readonly sizes = new SizeReports();
  private readonly peerTables: PeerTables;
  private readonly followers = new FollowerLinks();
  /** By way of followers, from session servers that cannot reach this server. */
  private readonly relayed: RelayedLinks;
  /** From session servers that cannot reach a leader which is followed here. */
  private readonly relays: RelaysBetween;
  private nowMs = 0;
  private readUntilMs = 0;
  private effects: DataEffect[] = [];
  private sweepAtMs: number | undefined;
  private resumedAtMs = -Infinity;
  private askedWakeMs: number | undefined;
  private isEnded = false;
  private readonly completenessLog = new CompletenessLog();

  constructor(options: DataOptions) {
    const limits = { ...DATA_LIMITS, ...options.limits };
    this.limits = limits;
    this.membership = new Membership(options);
    this.peerTables = new PeerTables(this.membership, (effect) => this.effects.push(effect));
    this.sessions = new Sessions({ graceMs: limits.orphanGraceMs, silentGraceMs: limits.silentGraceMs });
    this.held = new Slots(options, limits, this.sessions, (effect) => this.effects.push(effect));
    this.standIn = new StandIn(options, limits.standInMs);
    this.relayed = new RelayedLinks({
      linkUp: (link, incarnation) => this.sessionUp(link, incarnation),
      received: (link, message) => this.receive(link, message),
      linkEnded: (link) => this.dropLink(link),
      emit: (effect) => this.effects.push(effect),
    });
    this.relays = new RelaysBetween(
      (leader) => this.held.replicas.linkTo(leader),
      (effect) => this.effects.push(effect),
    );
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
    return this.standIn.isActive;
  }

  /** What must hold for it to serve. A slot is served from when it is led here, though it is not complete. */
  checks(): readonly Check[] {
    const isIn = this.state === 'joined' || this.isStandIn;
    const unled = this.table ? this.held.leadership.unledOf(this.table) : 0;
    return [
      { name: 'membership', waitingFor: isIn ? undefined : 'a meta server to join' },
      { name: 'table', waitingFor: this.table ? undefined : 'the table of slots' },
      { name: 'slots', waitingFor: unled === 0 ? undefined : `a newer table, for ${unled} slots that others lead` },
    ];
  }

  step(nowMs: number, event: DataEvent, readUntilMs = nowMs): DataEffect[] {
    this.nowMs = nowMs;
    this.readUntilMs = readUntilMs;
    this.effects = [];
    this.held.begin(nowMs);
    if (this.isEnded) return this.effects;
    this.notePause();
    this.route(event);
    if (!this.isEnded) {
      this.held.keyspace.advance();
      const reports = this.held.takeReports();
      if (reports.length > 0) this.effects.push(...this.membership.tell(reports));
      if (this.sweepAtMs !== undefined && nowMs >= this.sweepAtMs) this.sweep();
      this.effects.push(...this.held.disk.takeBatches(nowMs), ...this.held.warm.takeBatch(nowMs));
      this.askWake(event.type === 'wake');
    }
    const { effects } = this;
    this.effects = [];
    return this.relayed.translate(effects);
  }

  /** The slots led here, for people. */
  slots(isAsked: (slot: number) => boolean = () => true): SlotReport[] {
    return this.held.inspect(this.nowMs, isAsked);
  }

  /** Of the slots led here, for metrics. */
  lags(): SlotLag[] {
    return this.held.lags(this.nowMs);
  }

  /** The slots followed here, for people. */
  following(isAsked: (slot: number) => boolean = () => true): FollowingReport[] {
    return this.held.following(isAsked);
  }

  /** The numbers of both. */
  get slotNumbers(): number[] {
    return [...this.held.leadership.slots(), ...this.held.replicas.slots()];
  }

  /** Undefined when the slot of the datum is not led here. */
  datum(dataInfoId: DataInfoId): DatumReport | undefined {
    return this.held.datum(dataInfoId);
  }

  /** What is held and led here, a page at a time. */
  get lists(): DataLists {
    return this.held.lists;
  }

  /** The latest disappearances in a slot, oldest first. */
  removals(slot: number): RecordedRemoval[] {
    return this.held.removals(slot);
  }

  stats(): DataStats {
    return { ...this.held.stats(), sessionLinks: [...this.sessions.links()].length };
  }

  /** From the acceptance of publications by session servers until they are applied here. */
  get applied(): Histogram {
    return this.held.arrivals.applied;
  }

  private route(event: DataEvent): void {
    if (event.type === 'linkDown') this.relays.linkDown(event.link);
    switch (event.type) {
      case 'start':
        this.standIn.started(this.nowMs);
        this.sweepAtMs = this.nowMs + SWEEP_MS;
        if (this.table) this.followTable(this.table);
        return this.stepMembership(event);
      case 'stop':
        return this.stepMembership(event);
      case 'wake':
        return this.stepMembership(event);
      case 'persisted':
      case 'persistFailed':
      case 'kept':
      case 'keepFailed':
        return void this.effects.push(...this.held.diskAnswered(this.nowMs, event));
      default:
        if (this.membership.owns(event)) return this.stepMembership(event as LinkEvent<FromMeta>);
        if (this.held.replicas.owns(event)) return this.leaderEvent(event as LinkEvent<LeaderToReplica>);
        return this.peerEvent(event as LinkEvent<SessionToData | ReplicaToLeader>);
    }
  }

  private stepMembership(event: MembershipEvent): void {
    const { effects, table, switches, expelled, handOver } = this.membership.step(this.nowMs, event, this.readUntilMs);
    this.effects.push(...effects);
    if (switches) {
      this.effects.push({ type: 'saveSwitches', switches });
      this.held.switched(this.nowMs, switches.switches);
      // Which tells what has changed.
      if (this.sweepAtMs !== undefined) this.sweepAtMs = this.nowMs;
    }
    if (table) {
      this.effects.push({ type: 'saveTable', table });
      // From here on meta's word decides who leads.
      this.standIn.isActive = this.membership.standsIn = false;
      this.held.leadership.standInFor(undefined);
      this.followTable(table);
    }
    if (handOver) this.handOver(handOver);
    if (expelled) {
      this.isEnded = true;
      this.effects.push({ type: 'restart', reason: 'Meta no longer knows this incarnation.' });
    }
  }

  private followTable(table: RoutingTable): void {
    this.sessions.takeTable(this.nowMs, table);
    const { begun, ended } = this.held.takeTable(this.nowMs, table);
    if (begun === 0 && ended === 0) return;
    const leading = this.held.leadership.size;
    const following = this.held.replicas.size;
    this.log('info', 'slots-changed', { begun, ended, leading, following, tableEpoch: table.epoch });
  }

  private handOver(order: Extract<FromMeta, { kind: 'handOver' }>): void {
    this.held.handOver(this.nowMs, order);
    // A seal ends in time.
    this.sweepAtMs = Math.min(this.sweepAtMs ?? Infinity, this.nowMs + this.limits.sealMs);
  }

  private leaderEvent(event: LinkEvent<LeaderToReplica | LeaderToRelay | LeaderToPeer>): void {
    if (event.type === 'received') {
      const verdict = checkFromLeader(event.message, this.held.belongs);
      if (verdict === 'unknown') return undefined;
      if (verdict === 'malformed') return this.refuse(event.link, event.message, 'leader');
      const { link, message } = event;
      if (message.kind === 'relayedOpen' || message.kind === 'relayed' || message.kind === 'relayedEnd') {
        this.held.replicas.heard(this.nowMs, link);
        return this.relays.fromLeader(link, message);
      }
      if (message.kind === 'table') return this.takePeerTable(message.table);
      if (message.kind === 'pong') this.peerTables.shown(this.nowMs, link, message.tableEpoch);
    }
    return this.held.replicas.step(this.nowMs, event as LinkEvent<LeaderToReplica>);
  }

  private peerEvent(event: LinkEvent<SessionToData | ReplicaToLeader>): void {
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
    if (hello.role === 'meta') return this.hangUp(link, `A ${hello.role} server has no business here.`);
    if (hello.clusterId !== undefined && this.clusterId !== undefined && hello.clusterId !== this.clusterId) {
      this.log('warn', 'peer-of-other-cluster', { peer: address, ours: this.clusterId, theirs: hello.clusterId });
      return this.hangUp(link, 'The server belongs to another cluster.');
    }
    if (hello.role === 'data') {
      return this.followers.linkUp(this.nowMs, link, hello.incarnation);
    }
    return this.sessionUp(link, hello.incarnation);
  }

  private sessionUp(link: LinkId, incarnation: string): void {
    const older = this.sessions.linkUp(this.nowMs, link, incarnation);
    if (this.standIn.isActive) this.tellStandIn(link);
    if (older === undefined) return undefined;
    this.held.dropLink(older);
    this.hangUp(older, 'A newer link of the same incarnation replaced this one.');
  }

  /** The session server may be dead; meta is to look. Of a link that was given up here no peer is known any more. */
  private linkDown(link: LinkId): void {
    const incarnation = this.sessions.peerOf(link)?.incarnation;
    this.dropLink(link, this.nowMs);
    // What only that session server had a copy of is given to another at once, before this server may go too.
    if (incarnation !== undefined && this.sweepAtMs !== undefined)
      this.sweepAtMs = Math.min(this.sweepAtMs, this.nowMs);
    if (incarnation !== undefined) this.effects.push(...this.membership.suspect(this.nowMs, incarnation));
  }

  private dropLink(link: LinkId, brokenAtMs?: number): void {
    this.relayed.linkDown(link);
    if (this.followers.drop(link) || this.sessions.linkDown(link, brokenAtMs)) this.held.dropLink(link);
  }

  private receive(link: LinkId, message: SessionToData | ReplicaToLeader | RelayToLeader): void {
    const follower = this.followers.heard(this.nowMs, link);
    const peer = follower !== undefined ? undefined : this.sessions.heard(this.nowMs, link);
    if (!peer && follower === undefined) return;
    switch (checkMessage(message, this.held.belongs)) {
      case 'unknown':
        return;
      case 'malformed':
        return this.refuse(link, message, follower ?? peer!.incarnation);
      case 'ok':
    }
    switch (message.kind) {
      case 'ping': {
        const { sequence } = message;
        const tableEpoch = this.table?.epoch ?? 0;
        const clockMs = this.nowMs;
        this.effects.push({ type: 'send', link, message: { kind: 'pong', sequence, tableEpoch, clockMs } });
        return;
      }
      case 'table':
        return this.takePeerTable(message.table);
      case 'tableRequest':
        if (this.table) this.effects.push({ type: 'send', link, message: { kind: 'table', table: this.table } });
        return;
      case 'keys':
        this.peerTables.shown(this.nowMs, link, message.tableEpoch);
        return peer && this.held.keyspace.receive(link, peer.incarnation, message);
      case 'follow':
      case 'replicated':
      case 'written':
        if (follower !== undefined) this.held.receiveReplica(this.nowMs, link, follower, message);
        return;
      case 'relayOpen':
      case 'relay':
      case 'relayEnd':
        if ('session' in message) return follower === undefined ? undefined : this.relayed.receive(link, message);
        // What has been passed on once is not passed on again.
        return peer && link > 0 ? this.relays.fromSession(link, peer.incarnation, message) : undefined;
      default:
        if (peer) this.receiveSession(link, peer, message);
    }
  }

  /** Whoever it comes from, meta has committed it. */
  private takePeerTable(table: RoutingTable): void {
    if (!this.membership.offer(table)) return;
    this.effects.push({ type: 'saveTable', table });
    this.followTable(table);
  }

  private receiveSession(link: LinkId, peer: SessionPeer, message: SlotMessage): void {
    if ('tableEpoch' in message) this.peerTables.shown(this.nowMs, link, message.tableEpoch);
    const leader = this.held.leaderFor(message);
    if (leader) {
      leader.receive(this.nowMs, peer, message, this.isInTouch, this.effects);
      // A first persistent publication waits for meta.
      if (message.kind === 'persist') this.held.noteProgress(this.nowMs, leader);
    } else this.held.moved(link, message.slot, 'requestId' in message ? message.requestId : undefined);
  }

  private refuse(link: LinkId, message: unknown, peer: string): void {
    this.log('error', 'malformed-message', { peer, kind: (message as { kind?: unknown })?.kind });
    this.dropLink(link);
    this.hangUp(link, 'A message was not of the protocol.');
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

  private standInIfDue(): void {
    const { membership, standIn, table, nowMs } = this;
    if (!standIn.isDue(nowMs, membership)) return;
    standIn.isActive = membership.standsIn = true;
    const { run } = standIn;
    const predecessor = standIn.predecessor!;
    this.held.leadership.standInFor({ incarnation: predecessor, run });
    this.log('warn', 'standing-in', { predecessor, run, tableEpoch: table!.epoch });
    this.followTable(table!);
    for (const link of this.sessions.links()) this.tellStandIn(link);
  }

  private tellStandIn(link: LinkId): void {
    this.effects.push({ type: 'send', link, message: { kind: 'standIn', incarnation: this.standIn.predecessor! } });
  }

  private sweep(): void {
    const { nowMs, sessions } = this;
    const { leadership, replicas } = this.held;
    this.standInIfDue();
    const { linkIdleMs } = this.limits;
    const idle = [
      ...sessions.idleLinks(this.readUntilMs, linkIdleMs),
      ...this.followers.idle(this.readUntilMs, linkIdleMs, this.resumedAtMs),
    ];
    for (const link of idle) {
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
      this.held.noteProgress(nowMs, leader);
    }
    this.held.warm.sweep(nowMs);
    sweep.budget -= replicas.sweep(nowMs, this.resumedAtMs, Math.max(sweep.budget, 0));
    this.membership.reportUnreconciled([...overdue]);
    const sizes = this.sizes.take(nowMs, leadership.size, leadership.leaders());
    if (sizes.length > 0) this.effects.push(...this.membership.tellSizes(sizes));
    this.effects.push(...this.completenessLog.note(partial, overdue.size, leadership.size));
    const isNeeded = (incarnation: string): boolean => leadership.some((leader) => leader.needs(incarnation));
    for (const incarnation of sessions.forget(nowMs, isNeeded)) {
      for (const leader of leadership.leaders()) leader.forget(incarnation);
    }
    this.sweepAtMs = nowMs + (sweep.budget > 0 ? SWEEP_MS : SWEEP_AGAIN_MS);
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

  private log<Level extends LogLevel>(level: Level, event: EventAt<Level>, fields: Record<string, unknown>): void {
    this.effects.push(logged(level, event, fields));
  }
}
