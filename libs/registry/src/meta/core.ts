import { type Core, FEATURE_LEVEL, type LinkId, type RoutingTable, type ToMeta, randomId } from '#model';
import { MetaContext } from './context.js';
import type { MetaEffect, MetaEvent, MetaInspection, MetaLimits, MetaOptions } from './contract.js';
import { Features } from './features.js';
import { Gathering } from './gathering.js';
import { Members } from './members.js';
import type { Planning } from './planning.js';
import { announceProtection } from './protection.js';
import { Proposals } from './proposals.js';
import { Slots } from './slots.js';

const DEFAULTS: MetaLimits = { heartbeatMs: 500, leaseMs: 3_000, departedMs: 60_000, gatherMs: 12_000 };

type Proposed = Extract<MetaEvent, { type: 'proposed' }>;

/**
 * The brain of a meta node. Only the leader serves members, and only once it is ready: each new leader first commits a
 * `bootstrap`, which creates the cluster where there is none and otherwise changes nothing, but whose commit shows that
 * everything committed earlier has been applied here. Leases start, full, at that moment. (A group that was recovered or
 * restored gathers its members before; see `Gathering`.)
 */
export class MetaCore implements Core<MetaEvent, MetaEffect> {
  private readonly context: MetaContext;
  private readonly tickMs: number;
  private readonly proposals: Proposals;
  private readonly members: Members;
  private readonly slots: Slots;
  private readonly gathering: Gathering;
  private readonly features: Features;
  private stopped = false;
  private nextTickMs: number | undefined;
  private wakeAtMs = Infinity;
  /** The epoch at the commit of this leader's own bootstrap. */
  private barrierEpoch: number | undefined;

  constructor(private readonly options: MetaOptions) {
    this.context = new MetaContext({ ...DEFAULTS, ...options.limits }, options.version);
    this.tickMs = this.context.limits.heartbeatMs / 2;
    this.proposals = new Proposals((effect) => this.context.emit(effect));
    this.members = new Members(this.context, this.proposals);
    const ask: Members['askLeader'] = (...order) => this.members.askLeader(...order);
    this.slots = new Slots(this.context, this.proposals, options.replicas ?? 1, ask);
    this.gathering = new Gathering(this.context, this.proposals);
    this.features = new Features(this.context, this.proposals, options.featureLevel ?? FEATURE_LEVEL);
  }

  step(nowMs: number, event: MetaEvent): MetaEffect[] {
    if (this.stopped) return [];
    this.forgiveStall(nowMs);
    if (event.type === 'wake') this.wakeAtMs = Infinity;
    switch (event.type) {
      case 'start':
        this.nextTickMs = nowMs + this.tickMs;
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
        this.committed(nowMs, event);
        break;
      case 'proposed':
        this.proposed(nowMs, event);
        break;
      case 'featureLevel':
        this.features.answered(event.level);
        break;
      case 'confirmed':
        this.members.confirmed(nowMs, event);
        break;
      case 'linkUp':
        this.members.linkUp(nowMs, event);
        break;
      case 'linkDown':
        this.members.linkDown(nowMs, event.link);
        break;
      case 'received':
        this.received(nowMs, event.link, event.message);
        break;
      case 'dialFailed':
        this.members.dialFailed(nowMs, event);
        break;
    }
    this.askForWake();
    return this.context.end();
  }

  inspect(nowMs: number): MetaInspection {
    const { term, leading, leader, ready, gathering, table } = this.context;
    return {
      term,
      leading,
      leader,
      ready,
      gathering,
      settled: this.context.isSettled(nowMs),
      table,
      leases: this.members.inspectLeases(nowMs),
      proposals: this.proposals.size,
    };
  }

  /** What a plan depends on beside the state: on a node that does not lead, what would be known to a leader is not. */
  planning(nowMs: number): Planning {
    return this.slots.planning(nowMs, this.members.barred);
  }

  private received(nowMs: number, link: LinkId, message: ToMeta): void {
    const said = this.members.received(nowMs, link, message);
    if (said?.kind === 'replicas') this.slots.reported(nowMs, said.incarnation, said.reports);
    if (said?.kind === 'sizes') this.slots.sized(said.incarnation, said.sizes);
  }

  private get table(): RoutingTable {
    return this.context.table;
  }

  // Leading.

  private leadershipChanged(event: Extract<MetaEvent, { type: 'leadership' }>): void {
    const { context } = this;
    if (context.leading && !event.leading) context.log('info', 'not-leading', { term: event.term });
    context.term = event.term;
    context.leader = event.leading ? undefined : event.leader;
    context.leading = event.leading;
    context.ready = false;
    context.isNew = false;
    this.barrierEpoch = undefined;
    this.gathering.end();
    this.proposals.clear();
    this.members.leadershipChanged();
    this.slots.leadershipChanged();
    if (context.leading) this.proposeBarrier();
  }

  private proposeBarrier(): void {
    const clusterId = randomId(this.options.random);
    this.proposals.propose({ type: 'bootstrap', clusterId, slotCount: this.options.slotCount });
  }

  /** The outcome of the barrier and the state it led to may come in either order. */
  private becomeReady(nowMs: number): void {
    const { context } = this;
    if (context.ready || this.barrierEpoch === undefined || this.table.epoch < this.barrierEpoch) return;
    if (context.state.gathering) return this.gathering.begin(nowMs);
    this.gathering.end();
    context.ready = true;
    context.settledAtMs = nowMs + context.limits.leaseMs;
    const { clusterId, epoch, members } = this.table;
    context.log('info', 'leading', { term: context.term, clusterId, epoch, members: members.length });
    this.members.becameReady(nowMs);
    this.slots.place(nowMs, this.members.barred);
  }

  private committed(nowMs: number, { state, forRequest }: Extract<MetaEvent, { type: 'committed' }>): void {
    const { context } = this;
    const before = context.state;
    context.state = state;
    if (!context.leading) return;
    if (!context.ready) return this.becomeReady(nowMs);
    if (state.switches.version !== before.switches.version) this.members.switchesChanged(forRequest);
    if (state.config.version !== before.config.version) this.members.configChanged(before);
    if (state.featureLevel !== before.featureLevel)
      context.log('info', 'feature-level-raised', { featureLevel: state.featureLevel });
    if (state.rebalance.version !== before.rebalance.version) {
      context.log('info', state.rebalance.paused ? 'rebalance-paused' : 'rebalance-resumed', state.rebalance);
      this.slots.place(nowMs, this.members.barred);
    }
    if (this.table.epoch === before.table.epoch) return;
    announceProtection(context, before.table);
    this.members.tableChanged(nowMs, before.table);
    this.slots.place(nowMs, this.members.barred);
  }

  /** What failed is proposed again at a later tick, if it is still wanted then. */
  private proposed(nowMs: number, { sequence, outcome }: Proposed): void {
    const command = this.proposals.settle(sequence);
    if (!command) return;
    if (!outcome.ok) {
      this.context.log('info', 'proposal-failed', { command: command.type, message: outcome.message });
      return;
    }
    if (command.type === 'bootstrap') {
      this.barrierEpoch = outcome.result.epoch;
      this.context.isNew = outcome.result.changed;
      this.becomeReady(nowMs);
    }
    if (command.type !== 'place' || this.table.epoch < outcome.result.epoch) return;
    this.slots.place(nowMs, this.members.barred);
    this.slots.proposeReported(nowMs);
  }

  // Time.

  private tick(nowMs: number): void {
    if (this.nextTickMs === undefined) return;
    if (nowMs < this.nextTickMs) return this.advanceSlots(nowMs);
    this.nextTickMs = nowMs + this.tickMs;
    this.members.closeIdleLinks(nowMs);
    if (!this.context.leading) return;
    if (!this.context.ready) {
      if (this.barrierEpoch === undefined && !this.proposals.has('bootstrap')) this.proposeBarrier();
      this.gathering.tick(nowMs);
      return this.members.answerJoins(nowMs);
    }
    this.members.tick(nowMs);
    this.advanceSlots(nowMs);
    this.features.consider();
  }

  private advanceSlots(nowMs: number): void {
    this.slots.proposeReported(nowMs);
    this.slots.place(nowMs, this.members.barred);
  }

  private askForWake(): void {
    const atMs = Math.min(this.nextTickMs ?? Infinity, this.slots.dueAtMs);
    if (atMs === this.wakeAtMs || atMs === Infinity) return;
    this.wakeAtMs = atMs;
    this.context.emit({ type: 'wake', atMs });
  }

  /** A gap in our own ticks (a pause, a sleeping laptop) is nobody else's silence: all deadlines move by it. */
  private forgiveStall(nowMs: number): void {
    if (this.nextTickMs === undefined || nowMs - this.nextTickMs <= this.tickMs) return;
    const gapMs = nowMs - this.nextTickMs;
    this.members.forgive(gapMs);
    this.gathering.forgive(gapMs);
    this.context.settledAtMs += gapMs;
    this.nextTickMs = nowMs + this.tickMs;
    this.context.log('warn', 'stalled', { gapMs });
  }
}
