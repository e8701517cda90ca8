import {
  type Core,
  type Failure,
  type FromMeta,
  type LogLevel,
  type RoutingTable,
  type ToMeta,
  failure,
  randomId,
} from '#model';
import { plan } from '#sharding';
import type { MetaEffect, MetaEvent, MetaInspection, MetaLimits, MetaOptions, MetaState } from './contract.js';
import { isMember, isNameList } from './check.js';
import { Leases } from './leases.js';
import { type MemberLink, MemberLinks } from './links.js';
import { type CommandOf, Proposals } from './proposals.js';
import { Reports } from './reports.js';
import { metaStateMachine } from './state.js';

const DEFAULTS: MetaLimits = { heartbeatMs: 500, leaseMs: 3_000, departedMs: 60_000 };
/** Links silent for this many leases are closed. */
const IDLE_LEASES = 3;

type Proposed = Extract<MetaEvent, { type: 'proposed' }>;

/**
 * The brain of a meta node. Only the leader serves members, and only once it is ready: each new leader first commits a
 * `bootstrap`, which creates the cluster where there is none and otherwise changes nothing, but whose commit shows that
 * everything committed earlier has been applied here. Leases start, full, at that moment.
 */
export class MetaCore implements Core<MetaEvent, MetaEffect> {
  private readonly limits: MetaLimits;
  private readonly tickMs: number;
  private readonly leases: Leases;
  private readonly links: MemberLinks;
  private readonly proposals: Proposals;
  private readonly reports = new Reports();
  private effects: MetaEffect[] = [];
  private state: MetaState = metaStateMachine.initial();
  private stopped = false;
  private nextTickMs: number | undefined;

  private term = 0;
  private leading = false;
  private leader: string | undefined;
  /** The epoch at the commit of this leader's own bootstrap. */
  private barrierEpoch: number | undefined;
  private ready = false;
  private settledAtMs = 0;

  /** The epoch whose slots need no assignment, as far as the planner knows. */
  private plannedEpoch = -1;

  constructor(private readonly options: MetaOptions) {
    this.limits = { ...DEFAULTS, ...options.limits };
    this.tickMs = this.limits.heartbeatMs / 2;
    this.leases = new Leases(this.limits.leaseMs);
    this.links = new MemberLinks((effect) => this.effects.push(effect));
    this.proposals = new Proposals((effect) => this.effects.push(effect));
  }

  step(nowMs: number, event: MetaEvent): MetaEffect[] {
    if (this.stopped) return [];
    this.forgiveStall(nowMs);
    switch (event.type) {
      case 'start':
        this.tickAt(nowMs + this.tickMs);
        break;
      case 'stop':
        this.stopped = true;
        break;
      case 'wake':
        this.tick(nowMs);
        break;
      case 'leadership':
        this.leadershipChanged(event);
        break;
      case 'committed':
        this.committed(nowMs, event.state);
        break;
      case 'proposed':
        this.proposed(nowMs, event);
        break;
      case 'linkUp':
        this.links.up(nowMs, event.link, event.hello);
        break;
      case 'linkDown':
        this.links.down(event.link);
        break;
      case 'received':
        this.received(nowMs, event.link, event.message);
        break;
      case 'dialFailed':
        break;
    }
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  inspect(nowMs: number): MetaInspection {
    return {
      term: this.term,
      leading: this.leading,
      leader: this.leader,
      ready: this.ready,
      settled: this.isSettled(nowMs),
      table: this.table,
      leases: this.leases.list(nowMs),
      proposals: this.proposals.size,
    };
  }

  private get table(): RoutingTable {
    return this.state.table;
  }

  // Leading.

  private leadershipChanged(event: Extract<MetaEvent, { type: 'leadership' }>): void {
    this.term = event.term;
    this.leader = event.leading ? undefined : event.leader;
    if (this.leading && !event.leading) this.log('warn', 'not-leading', { term: event.term });
    this.leading = event.leading;
    this.ready = false;
    this.barrierEpoch = undefined;
    this.proposals.clear();
    this.leases.clear();
    this.reports.clear();
    if (this.leading) this.proposeBarrier();
    else for (const link of [...this.links.serving(), ...this.links.joining()]) this.refuseAsFollower(link);
  }

  private proposeBarrier(): void {
    const clusterId = randomId(this.options.random);
    this.proposals.propose({ type: 'bootstrap', clusterId, slotCount: this.options.slotCount });
  }

  /** The outcome of the barrier and the state it led to may come in either order. */
  private becomeReady(nowMs: number): void {
    if (this.ready || this.barrierEpoch === undefined || this.table.epoch < this.barrierEpoch) return;
    this.ready = true;
    this.settledAtMs = nowMs + this.limits.leaseMs;
    this.leases.follow(nowMs, this.table.members, this.table.departed);
    const { clusterId, epoch, members } = this.table;
    this.log('info', 'leading', { term: this.term, clusterId, epoch, members: members.length });
    // Links that served members before this leadership began anew may have missed a table.
    this.links.stream(this.table);
    this.answerJoins(nowMs);
    this.assignSlots();
  }

  private isSettled(nowMs: number): boolean {
    return this.ready && nowMs >= this.settledAtMs;
  }

  private committed(nowMs: number, state: MetaState): void {
    const before = this.table;
    this.state = state;
    if (!this.leading) return;
    if (!this.ready) return this.becomeReady(nowMs);
    if (this.table.epoch === before.epoch) return;
    this.leases.follow(nowMs, this.table.members, this.table.departed);
    this.dismiss(before);
    this.links.stream(this.table);
    this.answerJoins(nowMs);
    this.assignSlots();
  }

  /** Tells whoever left the table with this change, and the log. */
  private dismiss(before: RoutingTable): void {
    if (before.members === this.table.members) return;
    const known = new Set(before.departed.map(({ incarnation }) => incarnation));
    for (const { role, incarnation, cause } of this.table.departed) {
      if (known.has(incarnation)) continue;
      this.log(cause === 'left' ? 'info' : 'warn', 'member-departed', { role, incarnation, cause });
      this.reports.forget(incarnation);
      for (const link of this.links.serving()) {
        if (link.incarnation === incarnation) this.refuse(link, failure('NOT_MEMBER', `The membership has ${cause}.`));
      }
    }
  }

  // Members.

  private received(nowMs: number, id: number, message: ToMeta): void {
    const link = this.links.heard(nowMs, id);
    if (!link || typeof message !== 'object' || message === null) return;
    if (!this.leading) return this.refuseAsFollower(link);
    switch (message.kind) {
      case 'join':
        return this.join(nowMs, link, message);
      case 'heartbeat':
        return this.heartbeat(nowMs, link, message);
      case 'leave':
        this.links.release(link);
        return this.remove(message.incarnation, 'left');
      default:
        // A newer member may say what this node does not know yet.
        return undefined;
    }
  }

  private join(nowMs: number, link: MemberLink, message: Extract<ToMeta, { kind: 'join' }>): void {
    const { member, again } = message;
    if (!isMember(member) || link.hello.role !== member.role) {
      return this.refuse(link, failure('BAD_REQUEST', 'A join must name a data or session server, that of its hello.'));
    }
    link.join = { member, again: again === true };
    this.answerJoins(nowMs);
  }

  /** Answers every join that can be answered, and proposes the others. Until this leader is ready they wait. */
  private answerJoins(nowMs: number): void {
    if (!this.ready) return;
    for (const link of this.links.joining()) {
      const { member, again } = link.join!;
      const theirs = link.hello.clusterId;
      const isHeld = this.table.members.some(({ incarnation }) => incarnation === member.incarnation);
      const departed = this.table.departed.find(({ incarnation }) => incarnation === member.incarnation);
      if (theirs && theirs !== this.table.clusterId) this.refuse(link, failure('CLUSTER_MISMATCH'));
      else if (departed) this.refuse(link, failure('NOT_MEMBER', `The membership has ${departed.cause}.`));
      else if (isHeld) this.welcome(nowMs, link, member.incarnation);
      else if (again) this.refuse(link, failure('NOT_MEMBER'));
      else if (!this.proposals.has('join', (command) => command.member.incarnation === member.incarnation))
        this.proposals.propose({ type: 'join', member });
    }
  }

  private welcome(nowMs: number, link: MemberLink, incarnation: string): void {
    this.links.serve(link, incarnation);
    this.leases.renew(nowMs, incarnation);
    const { leaseMs, heartbeatMs } = this.limits;
    this.links.send(link.id, { kind: 'joined', clusterId: this.table.clusterId, incarnation, leaseMs, heartbeatMs });
    this.links.send(link.id, { kind: 'table', table: this.table });
    const { role, address } = this.table.members.find((member) => member.incarnation === incarnation)!;
    this.log('info', 'member-joined', { role, incarnation, address });
  }

  /**
   * The acknowledgement says what is committed, so it must not come from a state that may be old. A leader that was
   * deposed without knowing could still give one; where meta is several nodes, the host keeps such a leader from being
   * told `leading` for longer than an election takes.
   */
  private heartbeat(nowMs: number, link: MemberLink, message: Extract<ToMeta, { kind: 'heartbeat' }>): void {
    if (!this.ready) return;
    const { incarnation, sequence, unreconciled } = message;
    if (!this.leases.renew(nowMs, incarnation)) {
      // While its join is under way it is no member yet, and not refused either.
      return link.join ? undefined : this.refuse(link, failure('NOT_MEMBER'));
    }
    if (link.incarnation !== incarnation) this.welcome(nowMs, link, incarnation);
    const acknowledgement: FromMeta = {
      kind: 'heartbeatAck',
      sequence,
      tableEpoch: this.table.epoch,
      settled: this.isSettled(nowMs),
    };
    this.links.send(link.id, acknowledgement);
    this.reported(incarnation, isNameList(unreconciled) ? unreconciled : []);
  }

  /** A session server that a data server reports in two heartbeats in a row keeps its slots from completion. */
  private reported(reporter: string, unreconciled: string[]): void {
    const roleOf = new Map(this.table.members.map(({ incarnation, role }) => [incarnation, role]));
    if (roleOf.get(reporter) !== 'data') return;
    const sessions = unreconciled.filter((incarnation) => roleOf.get(incarnation) === 'session');
    for (const incarnation of this.reports.note(reporter, sessions)) {
      this.log('warn', 'member-unreconciled', { incarnation, reporter });
      this.remove(incarnation, 'expired');
    }
  }

  private remove(incarnation: string, cause: CommandOf<'remove'>['cause']): void {
    if (!this.table.members.some((member) => member.incarnation === incarnation)) return;
    if (this.proposals.has('remove', (command) => command.incarnation === incarnation)) return;
    this.proposals.propose({ type: 'remove', incarnation, cause });
  }

  private refuseAsFollower(link: MemberLink): void {
    this.refuse(link, failure('NOT_LEADER', 'This meta server does not lead.'), this.leader);
  }

  private refuse(link: MemberLink, reason: Failure, leader?: string): void {
    this.links.release(link);
    this.links.send(link.id, { kind: 'refused', failure: reason, ...(leader === undefined ? {} : { leader }) });
  }

  // Slots.

  /** One proposal at a time: the next plan starts from what this one led to. */
  private assignSlots(): void {
    if (!this.ready || this.plannedEpoch === this.table.epoch || this.proposals.has('assign')) return;
    const planned = plan(this.table);
    if (planned.length === 0) {
      this.plannedEpoch = this.table.epoch;
      return;
    }
    this.log('info', 'assigning-slots', { slots: planned.length, epoch: this.table.epoch });
    const assignments = planned.map(({ slot, expectedLeaderEpoch, leader }) => ({ slot, expectedLeaderEpoch, leader }));
    this.proposals.propose({ type: 'assign', assignments });
  }

  // Proposals.

  /** What failed is proposed again at a later tick, if it is still wanted then. */
  private proposed(nowMs: number, { sequence, outcome }: Proposed): void {
    const command = this.proposals.settle(sequence);
    if (!command) return;
    if (!outcome.ok) {
      this.log('warn', 'proposal-failed', { command: command.type, message: outcome.message });
      return;
    }
    if (command.type === 'bootstrap') {
      this.barrierEpoch = outcome.result.epoch;
      this.becomeReady(nowMs);
    }
    if (command.type === 'assign' && this.table.epoch >= outcome.result.epoch) this.assignSlots();
  }

  // Time.

  private tick(nowMs: number): void {
    if (this.nextTickMs === undefined || nowMs < this.nextTickMs) return this.tickAt(this.nextTickMs);
    this.tickAt(nowMs + this.tickMs);
    this.links.closeIdle(nowMs, IDLE_LEASES * this.limits.leaseMs);
    if (!this.leading) return;
    if (!this.ready) {
      if (this.barrierEpoch === undefined && !this.proposals.has('bootstrap')) this.proposeBarrier();
      return;
    }
    for (const incarnation of this.leases.expired(nowMs)) this.remove(incarnation, 'expired');
    const incarnations = this.leases.departedSince(nowMs - this.limits.departedMs);
    if (incarnations.length > 0 && !this.proposals.has('forget'))
      this.proposals.propose({ type: 'forget', incarnations });
    this.answerJoins(nowMs);
    this.assignSlots();
  }

  private tickAt(atMs: number | undefined): void {
    if (atMs === undefined) return;
    this.nextTickMs = atMs;
    this.effects.push({ type: 'wake', atMs });
  }

  /** A gap in our own ticks (a pause, a sleeping laptop) is nobody else's silence: all deadlines move by it. */
  private forgiveStall(nowMs: number): void {
    if (this.nextTickMs === undefined || nowMs - this.nextTickMs <= this.tickMs) return;
    const gapMs = nowMs - this.nextTickMs;
    this.leases.extendAll(gapMs);
    this.links.forgive(gapMs);
    this.settledAtMs += gapMs;
    this.tickAt(nowMs + this.tickMs);
    this.log('warn', 'stalled', { gapMs });
  }

  private log(level: LogLevel, event: string, fields: Record<string, unknown>): void {
    this.effects.push({ type: 'log', level, event, fields });
  }
}
