import {
  type DepartedMember,
  type Failure,
  type LinkEvent,
  type Member,
  type RoutingTable,
  type ToMeta,
  areNeighbours,
  failure,
  featureLevelOf,
} from '#model';
import { Acknowledgements } from './acknowledgements.js';
import { areReplicaReports, areSlotSizes, isMember, isNameList } from './check.js';
import { ConfigWatches } from './config-watches.js';
import type { MetaContext } from './context.js';
import type { CommandOf, MetaEvent, MetaInspection, MetaState } from './contract.js';
import { Leases } from './leases.js';
import { type MemberLink, MemberLinks } from './links.js';
import type { Proposals } from './proposals.js';
import { Reachability } from './reachability.js';
import { Reports } from './reports.js';
import { type Proof, Suspicion } from './suspicion.js';

type SlotReports = Extract<ToMeta, { kind: 'replicas' | 'sizes' }>;

/** Links silent for this many leases are closed. */
const IDLE_LEASES = 3;
/** Of a lease that is cut short where a sign of life, or a successor, may still come: so many heartbeats are left. */
const LAST_HEARTBEATS = 2;

/** The data and session servers: who joins and who is lost, and what they are told over their links. */
export class Members {
  private readonly leases: Leases;
  private readonly links: MemberLinks;
  private readonly acknowledgements: Acknowledgements;
  private readonly reports = new Reports();
  private readonly reachability: Reachability;
  private readonly suspicion: Suspicion;
  private readonly configWatches: ConfigWatches;

  constructor(
    private readonly context: MetaContext,
    private readonly proposals: Proposals,
  ) {
    this.leases = new Leases(context.limits.leaseMs);
    this.links = new MemberLinks((effect) => context.emit(effect));
    this.acknowledgements = new Acknowledgements(context, this.links);
    this.reachability = new Reachability(context.limits.heartbeatMs);
    this.suspicion = new Suspicion(context);
    this.configWatches = new ConfigWatches(context, this.links);
  }

  /** Data servers that are to lead nothing, though they are members; another set whenever they are others. */
  get barred(): ReadonlySet<string> {
    return this.reachability.barred;
  }

  inspectLeases(nowMs: number): MetaInspection['leases'] {
    return this.leases.list(nowMs);
  }

  linkUp(nowMs: number, { link, direction, address, hello }: Extract<LinkEvent<ToMeta>, { type: 'linkUp' }>): void {
    if (direction === 'in') return this.links.up(nowMs, link, hello);
    // A probe; the hello was all that it was for.
    this.links.hangUp(link, 'The hello is enough.');
    return this.proved(nowMs, this.suspicion.answered(address, hello.incarnation));
  }

  dialFailed(nowMs: number, { address, reason }: Extract<LinkEvent<ToMeta>, { type: 'dialFailed' }>): void {
    this.proved(nowMs, this.suspicion.failed(address, reason));
  }

  linkDown(nowMs: number, link: number): void {
    this.acknowledgements.linkDown(link);
    const incarnation = this.links.down(link);
    if (incarnation !== undefined) this.suspect(nowMs, incarnation);
  }

  /** Another leadership begins, here or elsewhere. */
  leadershipChanged(): void {
    this.leases.clear();
    this.acknowledgements.clear();
    this.reports.clear();
    this.reachability.clear();
    this.suspicion.clear();
    if (this.context.leading) return;
    for (const link of [...this.links.serving(), ...this.links.joining()]) this.refuseAsFollower(link);
  }

  /** This node leads, and knows what is committed. */
  becameReady(nowMs: number): void {
    const { members, departed } = this.context.table;
    this.leases.follow(nowMs, members, departed);
    // Links that served members before this leadership began anew may have missed a change.
    this.switchesChanged();
    this.configWatches.becameReady();
    this.links.tell({ kind: 'table', table: this.context.table });
    this.answerJoins(nowMs);
  }

  tableChanged(nowMs: number, before: RoutingTable): void {
    const { table } = this.context;
    this.leases.follow(nowMs, table.members, table.departed);
    this.dismiss(before);
    this.links.tell({ kind: 'table', table });
    this.answerJoins(nowMs);
  }

  /** @param forRequest of the operator who has changed them */
  switchesChanged(forRequest?: string): void {
    const cause = forRequest === undefined ? {} : { forRequest };
    this.links.tell({ kind: 'switches', ...this.context.state.switches, ...cause });
  }

  configChanged(before: MetaState): void {
    this.configWatches.changed(before);
  }

  /** @returns what a member says of its slots */
  received(nowMs: number, id: number, message: ToMeta): SlotReports | undefined {
    const link = this.links.heard(nowMs, id);
    if (!link || typeof message !== 'object' || message === null) return undefined;
    if (!this.context.leading) {
      this.refuseAsFollower(link);
      return undefined;
    }
    switch (message.kind) {
      case 'join':
        this.join(nowMs, link, message);
        break;
      case 'heartbeat':
        this.heartbeat(nowMs, link, message);
        break;
      case 'suspect':
        // A word of members only; whoever else it came from, a dial would be made for.
        if (link.incarnation !== undefined) this.suspect(nowMs, message.incarnation);
        break;
      case 'replicas':
        return message.incarnation === link.incarnation && areReplicaReports(message.reports) ? message : undefined;
      case 'sizes':
        return message.incarnation === link.incarnation && areSlotSizes(message.sizes) ? message : undefined;
      case 'watchConfig':
        this.configWatches.heard(link, message);
        break;
      case 'leave':
        this.links.release(link);
        this.remove(message.incarnation, 'left');
        break;
      default:
        // A newer member may say what this node does not know yet.
        break;
    }
    return undefined;
  }

  confirmed(nowMs: number, { number, tableEpoch }: Extract<MetaEvent, { type: 'confirmed' }>): void {
    this.acknowledgements.confirmed(nowMs, number, tableEpoch);
  }

  /** Asks who leads the slot to let `to` lead it. Nothing is lost with a message that does not arrive. */
  askLeader(leader: string, slot: number, leaderEpoch: number, to: string): void {
    const link = this.links.serving().find(({ incarnation }) => incarnation === leader);
    if (link) this.links.send(link.id, { kind: 'handOver', slot, leaderEpoch, to });
  }

  closeIdleLinks(nowMs: number): void {
    this.links.closeIdle(nowMs, IDLE_LEASES * this.context.limits.leaseMs);
  }

  /** What is due by the clock of a leader that is ready. */
  tick(nowMs: number): void {
    this.suspicion.tick(nowMs);
    this.expire(nowMs);
    this.bar(nowMs);
    const incarnations = this.leases.departedSince(nowMs - this.context.limits.departedMs);
    if (incarnations.length > 0 && !this.proposals.has('forget'))
      this.proposals.propose({ type: 'forget', incarnations });
    this.answerJoins(nowMs);
  }

  /** The silence was ours. */
  forgive(gapMs: number): void {
    this.leases.extendAll(gapMs);
    this.links.forgive(gapMs);
  }

  private join(nowMs: number, link: MemberLink, message: Extract<ToMeta, { kind: 'join' }>): void {
    const { member, again, standsIn } = message;
    if (!isMember(member) || link.hello.role !== member.role) {
      return this.refuse(link, failure('BAD_REQUEST', 'A join must name a data or session server, that of its hello.'));
    }
    link.join = { member, again: again === true, standsIn: standsIn === true };
    this.answerJoins(nowMs);
  }

  /**
   * Answers every join that can be answered, and proposes the others. Until this leader is ready they wait. While it
   * gathers it proposes them: also those of former members that it knows nothing of, since its state may be the older.
   */
  answerJoins(nowMs: number): void {
    const { ready, gathering, table, state } = this.context;
    if (!ready && !gathering) return;
    for (const link of this.links.joining()) {
      const { member, again, standsIn } = link.join!;
      const theirs = link.hello.clusterId;
      const isHeld = table.members.some(({ incarnation }) => incarnation === member.incarnation);
      const departed = table.departed.find(({ incarnation }) => incarnation === member.incarnation);
      if (theirs && theirs !== table.clusterId) this.refuse(link, failure('CLUSTER_MISMATCH'));
      // Whoever is a member stays one: that the meta servers were upgraded past it must not cost the cluster its data servers.
      else if (!isHeld && !areNeighbours(link.hello.version, this.context.version))
        this.refuse(link, tooFar(link.hello.version, this.context.version));
      else if (featureLevelOf(member) < state.featureLevel) this.refuse(link, tooOld(member, state.featureLevel));
      else if (departed) this.refuse(link, failure('NOT_MEMBER', DEPARTURES[departed.cause]));
      else if (isHeld && gathering) continue;
      else if (isHeld) this.welcome(nowMs, link, member.incarnation);
      else if (again && !gathering) this.refuse(link, failure('NOT_MEMBER'));
      else if (!this.proposals.has('join', (command) => command.member.incarnation === member.incarnation))
        this.proposals.propose({ type: 'join', member, ...(standsIn ? { standsIn } : {}) });
    }
  }

  private welcome(nowMs: number, link: MemberLink, incarnation: string): void {
    const { table, limits } = this.context;
    this.links.serve(link, incarnation);
    this.leases.renew(nowMs, incarnation);
    const { leaseMs, heartbeatMs } = limits;
    this.links.send(link.id, { kind: 'joined', clusterId: table.clusterId, incarnation, leaseMs, heartbeatMs });
    this.links.send(link.id, { kind: 'switches', ...this.context.state.switches });
    this.links.send(link.id, { kind: 'table', table });
    const { role, address } = table.members.find((member) => member.incarnation === incarnation)!;
    this.context.log('info', 'member-joined', { role, incarnation, address });
  }

  /**
   * The acknowledgement says what is committed, so it must not come from a state that may be old. A leader that was
   * deposed without knowing could still give one; where meta is several nodes, the host keeps such a leader from being
   * told `leading` for longer than an election takes.
   */
  private heartbeat(nowMs: number, link: MemberLink, message: Extract<ToMeta, { kind: 'heartbeat' }>): void {
    if (!this.context.ready) return;
    const { incarnation, sequence } = message;
    if (!this.leases.renew(nowMs, incarnation)) {
      // While its join is under way it is no member yet, and not refused either.
      return link.join ? undefined : this.refuse(link, failure('NOT_MEMBER'));
    }
    if (link.incarnation !== incarnation) this.welcome(nowMs, link, incarnation);
    this.acknowledgements.heard(link.id, sequence);
    this.reported(nowMs, message);
  }

  private reported(nowMs: number, message: Extract<ToMeta, { kind: 'heartbeat' }>): void {
    const { members } = this.context.table;
    const reporter = message.incarnation;
    const isOf = (role: Member['role'], incarnation: string): boolean =>
      members.some((member) => member.incarnation === incarnation && member.role === role);
    const named = (names: unknown, role: Member['role']): string[] =>
      isNameList(names) ? names.filter((incarnation) => isOf(role, incarnation)) : [];
    const isData = isOf('data', reporter);
    this.reachability.heartbeat(nowMs, reporter, isData ? [] : named(message.unreachable, 'data'));
    if (isData) this.reportedUnreconciled(reporter, named(message.unreconciled, 'session'));
  }

  /**
   * A session server that a data server reports in two heartbeats in a row keeps its slots from completion. But where
   * most session servers cannot reach the data server either, it is the one that is cut off.
   */
  private reportedUnreconciled(reporter: string, sessions: string[]): void {
    const overdue = this.reports.note(reporter, sessions);
    if (overdue.length === 0 || this.reachability.cutOff(this.context.table.members).includes(reporter)) return;
    for (const incarnation of overdue) {
      this.context.log('warn', 'member-unreconciled', { incarnation, reporter });
      this.remove(incarnation, 'expired');
    }
  }

  /** Takes away the lead from whom most session servers cannot reach, and gives it back; see `Slots`. */
  private bar(nowMs: number): void {
    const { members } = this.context.table;
    const before = this.barred;
    this.reachability.update(nowMs, members);
    for (const { role, incarnation, address } of members) {
      const isBarred = this.barred.has(incarnation);
      if (isBarred === before.has(incarnation)) continue;
      if (isBarred) this.context.log('warn', 'member-unreachable', { role, incarnation, address });
      else this.context.log('info', 'member-reachable', { role, incarnation, address });
    }
  }

  private suspect(nowMs: number, incarnation: string): void {
    const { ready, table } = this.context;
    const member = ready && table.members.find((each) => each.incarnation === incarnation);
    if (member) this.suspicion.suspect(nowMs, member);
  }

  /**
   * Who refuses and has no link here is dead. A link that is still up may only not have broken yet, and another
   * process at the address may be about to join and take over in one step: those have a little left of their lease, in
   * which a heartbeat, too, would set things right.
   */
  private proved(nowMs: number, proof: Proof | undefined): void {
    if (!proof || !this.context.ready) return;
    const { incarnation, cause } = proof;
    const isCertain = cause === 'refused' && !this.links.serves(incarnation);
    this.leases.cut(incarnation, nowMs + (isCertain ? 0 : LAST_HEARTBEATS * this.context.limits.heartbeatMs), cause);
    this.expire(nowMs);
  }

  private expire(nowMs: number): void {
    for (const { incarnation, cause } of this.leases.expired(nowMs)) this.remove(incarnation, cause);
  }

  private remove(incarnation: string, cause: CommandOf<'remove'>['cause']): void {
    if (!this.context.table.members.some((member) => member.incarnation === incarnation)) return;
    if (this.proposals.has('remove', (command) => command.incarnation === incarnation)) return;
    this.proposals.propose({ type: 'remove', incarnation, cause });
  }

  /** Tells whoever left the table with this change, and the log. */
  private dismiss(before: RoutingTable): void {
    const { table } = this.context;
    if (before.members === table.members) return;
    const known = new Set(before.departed.map(({ incarnation }) => incarnation));
    for (const { role, incarnation, cause } of table.departed) {
      if (known.has(incarnation)) continue;
      const address = before.members.find((member) => member.incarnation === incarnation)?.address;
      if (cause === 'left') this.context.log('info', 'member-left', { role, incarnation, address });
      else this.context.log('warn', 'member-departed', { role, incarnation, address, cause });
      this.reports.forget(incarnation);
      this.reachability.forget(incarnation);
      this.suspicion.forget(incarnation);
      for (const link of this.links.serving()) {
        if (link.incarnation === incarnation) this.refuse(link, failure('NOT_MEMBER', DEPARTURES[cause]));
      }
    }
  }

  private refuseAsFollower(link: MemberLink): void {
    this.refuse(link, failure('NOT_LEADER', 'This meta server does not lead.'), this.context.leader);
  }

  private refuse(link: MemberLink, reason: Failure, leader?: string): void {
    this.links.release(link);
    this.links.send(link.id, { kind: 'refused', failure: reason, ...(leader === undefined ? {} : { leader }) });
  }
}

/** What a member that is none any more is told. */
const DEPARTURES: Record<DepartedMember['cause'], string> = {
  left: 'The member has left.',
  expired: 'The lease of the member has ended.',
  refused: 'The address of the member refused connections.',
  replaced: 'Another incarnation is at the address of the member.',
};

function tooOld(member: Member, level: number): Failure {
  const supported = featureLevelOf(member);
  const message =
    `The cluster is at feature level ${level}, and this server supports levels up to ${supported}. ` +
    `Start a version of Rollcall that supports feature level ${level} here.`;
  return failure('UNSUPPORTED_LEVEL', message, { details: { needed: level, supported } });
}

/** The one is as likely to be the wrong one as the other. */
function tooFar(theirs: string | undefined, ours: string | undefined): Failure {
  const message =
    `This server is of version ${theirs}, and the meta server that leads of version ${ours}: more than one minor version ` +
    'apart. Upgrade one minor version at a time.';
  return failure('UNSUPPORTED_VERSION', message, { details: { theirs, ours } });
}
