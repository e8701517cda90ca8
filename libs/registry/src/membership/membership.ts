import {
  DEFAULT_SWITCHES,
  type Failure,
  type FromMeta,
  type LinkEffect,
  type LinkId,
  type ReplicaReport,
  type SlotSize,
  type RoutingTable,
  type ToMeta,
  type VersionedSwitches,
  type WatchedKey,
  type LogLevel,
  type EventAt,
  logged,
} from '#model';
import type { MembershipEvent, MembershipOptions, MembershipOutcome } from './contract.js';
import { MetaLease } from './meta-lease.js';
import { MetaSearch } from './search.js';
import { Suspects } from './suspects.js';

/** Until a meta server is sought again, after one that knows less than this server does. */
const BEHIND_PAUSE_MS = 2_000;
/**
 * Within this time the members of a leader that steps down seek the next. It has told all of them at once, and the next
 * one's first commits should not wait behind every member's join.
 */
const REJOIN_SPREAD_MS = 100;
/** What is logged of the codes with which a meta server does not want this one, as long as nobody changes something. */
const UNWANTED = new Map<string | undefined, EventAt<'error'>>([
  ['CLUSTER_MISMATCH', 'cluster-mismatch'],
  ['UNSUPPORTED_LEVEL', 'unsupported-level'],
  ['UNSUPPORTED_PROTOCOL', 'unsupported-protocol'],
  ['UNSUPPORTED_VERSION', 'unsupported-version'],
]);
const ANOTHER_CLUSTER =
  'The meta server belongs to another cluster. Correct its address, or remove the data folder here.';

/** See `contract.ts`. After `expelled` or `stop` it does nothing any more. */
export class Membership {
  state: 'searching' | 'joined' | 'lost' | 'stopped' = 'searching';
  table: RoutingTable | undefined;
  clusterId: string | undefined;
  /**
   * The latest time at which the table held is known to have contained everything committed, as said by a meta leader
   * that has led for a full lease. It is the time at which the heartbeat was sent, so the truth may only be younger.
   */
  settledReadAtMs: number | undefined;

  private readonly search: MetaSearch;
  private lease: MetaLease | undefined;
  private unreconciled: string[] = [];
  private unreachable: string[] = [];
  /** Of the switches held. Without a table they may be another cluster's, so that any of this one's are newer. */
  private switchesVersion: number;
  private readonly suspects = new Suspects();
  /** Said with the join; see there. */
  standsIn = false;
  private hasBeenMember = false;
  /** A meta server has answered that this server is of another cluster, or of no version for its own. */
  private isUnwanted = false;
  /** What stands in the log, and would only repeat itself. */
  private readonly said = new Set<string>();
  private outcome: MembershipOutcome = { effects: [] };

  constructor(private readonly options: MembershipOptions) {
    this.table = options.table;
    this.clusterId = options.table?.clusterId || undefined;
    this.switchesVersion = (options.table && options.switches?.version) ?? -1;
    this.search = new MetaSearch(options.metaAddresses, options.random);
  }

  /** When a `wake` is next needed; undefined while there is nothing to wait for. */
  get wakeAtMs(): number | undefined {
    if (this.state === 'stopped') return undefined;
    if (!this.lease) return this.search.wakeAtMs;
    return Math.min(this.lease.nextHeartbeatMs, this.lease.deadAtMs);
  }

  /**
   * True while this server has never joined, though it has asked every meta server, none of which was there and did not
   * want it.
   */
  get isWithoutMeta(): boolean {
    return this.state === 'searching' && this.search.hasFailedARound && !this.isUnwanted;
  }

  /** True for the link events that the owner is to pass to `step`: those of meta links and of the dials made here. */
  owns(event: { type: string }): boolean {
    const linkEvent = event as MembershipEvent;
    switch (linkEvent.type) {
      case 'linkUp':
        return (
          linkEvent.hello.role === 'meta' ||
          (linkEvent.direction === 'out' && this.search.isDialling(linkEvent.address))
        );
      case 'dialFailed':
        return this.search.isDialling(linkEvent.address);
      case 'linkDown':
      case 'received':
        return this.search.links.has(linkEvent.link);
      default:
        return false;
    }
  }

  /** Session incarnations to report with every heartbeat from now on, until the next call. */
  reportUnreconciled(sessions: string[]): void {
    this.unreconciled = sessions;
  }

  /** Data incarnations to report with every heartbeat from now on, until the next call. */
  reportUnreachable(data: string[]): void {
    this.unreachable = data;
  }

  /** A connection to a member was refused or broke: what is to be done for meta to look after it at once. */
  suspect(nowMs: number, incarnation: string): MembershipOutcome['effects'] {
    const { lease } = this;
    if (!lease || !this.suspects.isDue(nowMs, incarnation, this.table?.members)) return [];
    return [{ type: 'send', link: lease.link, message: { kind: 'suspect', incarnation } }];
  }

  /** How replicas come along, for the meta leader; nothing while there is none, since all of it is said again. */
  tell(reports: ReplicaReport[]): LinkEffect<ToMeta>[] {
    return this.say({ kind: 'replicas', incarnation: this.options.self.incarnation, reports });
  }

  /** Lost while there is no leader of meta; there will be others. */
  tellSizes(sizes: SlotSize[]): LinkEffect<ToMeta>[] {
    return this.say({ kind: 'sizes', incarnation: this.options.self.incarnation, sizes });
  }

  /** Nothing while there is no leader of meta: all of it is said to the next. */
  watchConfig(watch: WatchedKey[], unwatch: string[]): LinkEffect<ToMeta>[] {
    return this.say({ kind: 'watchConfig', incarnation: this.options.self.incarnation, watch, unwatch });
  }

  private say(message: ToMeta): LinkEffect<ToMeta>[] {
    return this.lease ? [{ type: 'send', link: this.lease.link, message }] : [];
  }

  /** Takes a table seen at another peer, if it is of this cluster and newer. True when it was taken. */
  offer(table: RoutingTable): boolean {
    if (this.clusterId === undefined || table.clusterId !== this.clusterId) return false;
    if (this.table && table.epoch <= this.table.epoch) return false;
    this.table = table;
    return true;
  }

  step(nowMs: number, event: MembershipEvent, readUntilMs = nowMs): MembershipOutcome {
    this.outcome = { effects: [] };
    this.lease?.forgiveStall(nowMs);
    switch (event.type) {
      case 'start':
        if (this.state !== 'stopped') this.search.begin(nowMs);
        break;
      case 'stop':
        this.leave();
        break;
      case 'wake':
        break;
      case 'linkUp':
        this.linkUp(nowMs, event);
        break;
      case 'linkDown':
        this.search.links.delete(event.link);
        if (this.lease?.link === event.link) this.lose(nowMs, 'The link broke.');
        else this.search.linkFailed(nowMs, event.link);
        break;
      case 'dialFailed':
        if (this.search.isDialling(event.address)) this.unwanted(event.address, event);
        this.search.dialFailed(nowMs, event.address, event.message);
        break;
      case 'received':
        this.receive(nowMs, event.link, event.message);
        break;
    }
    if (this.state !== 'stopped') this.advance(nowMs, readUntilMs);
    const { outcome } = this;
    this.outcome = { effects: [] };
    return outcome;
  }

  private linkUp(nowMs: number, event: Extract<MembershipEvent, { type: 'linkUp' }>): void {
    const { link, address, hello } = event;
    this.search.links.set(link, address);
    const dialled = event.direction === 'out' && this.search.isDialling(address);
    if (dialled) this.search.dialEnded(address);
    if (!dialled || this.lease || this.state === 'stopped' || this.search.isLinked())
      return this.hangUp(link, 'The link is not needed.');
    this.search.linked(nowMs, address, link);
    if (hello.role !== 'meta') {
      return this.refuseLink(nowMs, link, `${address} is a ${hello.role} server, not a meta server.`);
    }
    if (this.isForeign(hello.clusterId)) return this.mismatch(nowMs, link, hello.clusterId);
    const { self } = this.options;
    const message = {
      kind: 'join' as const,
      member: self,
      ...(this.hasBeenMember ? { again: true } : {}),
      ...(this.standsIn ? { standsIn: true } : {}),
    };
    this.outcome.effects.push({ type: 'send', link, message });
  }

  private receive(nowMs: number, link: LinkId, message: FromMeta): void {
    const isLeaseLink = this.lease?.link === link;
    if (!isLeaseLink && !this.search.isLinked(link)) return;
    switch (message.kind) {
      case 'joined':
        return this.joined(nowMs, link, message);
      case 'refused':
        return this.refused(nowMs, link, message.failure, message.leader);
      case 'heartbeatAck':
        return isLeaseLink ? this.acknowledged(nowMs, message) : undefined;
      case 'handOver':
        this.outcome.handOver = message;
        return undefined;
      case 'table':
        if (this.offer(message.table)) this.outcome.table = message.table;
        return undefined;
      case 'switches':
        return this.takeSwitches(message);
      case 'config':
        this.outcome.config = message.values;
        return undefined;
      default:
        // A newer meta may say what this server does not know yet.
        return undefined;
    }
  }

  private takeSwitches({ version, switches }: VersionedSwitches): void {
    if (version <= this.switchesVersion) return;
    this.switchesVersion = version;
    this.outcome.switches = { version, switches: { ...DEFAULT_SWITCHES, ...switches } };
  }

  private joined(nowMs: number, link: LinkId, message: Extract<FromMeta, { kind: 'joined' }>): void {
    if (this.lease || message.incarnation !== this.options.self.incarnation) return;
    if (this.isForeign(message.clusterId)) return this.mismatch(nowMs, link, message.clusterId);
    const address = this.search.succeeded();
    const { leaseMs, heartbeatMs } = message;
    this.lease = new MetaLease(nowMs, link, address, leaseMs, heartbeatMs);
    this.clusterId = message.clusterId;
    this.hasBeenMember = true;
    this.state = 'joined';
    for (const event of ['waiting-for-meta', ...UNWANTED.values()]) this.said.delete(event);
    this.outcome.joined = true;
    this.log('info', 'joined', { meta: address, clusterId: message.clusterId, leaseMs });
  }

  private acknowledged(nowMs: number, message: Extract<FromMeta, { kind: 'heartbeatAck' }>): void {
    const lease = this.lease!;
    const sent = lease.acknowledged(message.sequence);
    if (!sent) return;
    if (message.tableEpoch < sent.tableEpoch) return this.metaIsBehind(nowMs, lease, message.tableEpoch);
    this.said.delete('meta-behind');
    lease.heardAtMs = nowMs;
    this.search.calm();
    // Holding a newer table than the one acknowledged is as good: it was committed later than the heartbeat was sent.
    if (message.settled && this.table && this.table.epoch >= message.tableEpoch) this.settledReadAtMs = sent.atMs;
  }

  /**
   * A leader holds whatever was committed before it led. One that, asked now, does not know a table that this server has
   * leads a group that another has taken the place of: its word is worth nothing.
   */
  private metaIsBehind(nowMs: number, lease: MetaLease, theirs: number): void {
    const message =
      'The meta server does not know the table that this server has. Its group was recovered or restored elsewhere, or ' +
      'was restored from a backup without being raised above this epoch.';
    this.logOnce('error', 'meta-behind', { meta: lease.address, ours: this.table?.epoch, theirs, message });
    this.refuseLink(nowMs, lease.link, message);
    // It would take us again at once.
    this.search.begin(nowMs + BEHIND_PAUSE_MS);
  }

  private refused(nowMs: number, link: LinkId, failure: Failure, leader: string | undefined): void {
    if (failure.code === 'NOT_MEMBER') {
      this.outcome.expelled = true;
      this.log('info', 'expelled', { message: failure.message });
      return this.end(failure.message);
    }
    if (this.unwanted(this.search.links.get(link), failure)) return this.refuseLink(nowMs, link, failure.message);
    if (leader !== undefined) this.search.prefer(leader);
    const stepsDown = this.lease?.link === link;
    this.refuseLink(nowMs, link, failure.message, stepsDown ? REJOIN_SPREAD_MS * this.options.random() : 0);
  }

  /**
   * Whether a meta server has said no for a reason that asking again will not mend. It may say so to the hello already, to
   * the join, or in its own hello.
   */
  private unwanted(meta: string | undefined, { code, message }: { code?: string; message: string }): boolean {
    const event = UNWANTED.get(code);
    if (event === undefined) return false;
    this.isUnwanted = true;
    const advice = code === 'CLUSTER_MISMATCH' ? { answer: message, message: ANOTHER_CLUSTER } : { message };
    this.logOnce('error', event, { meta, code, ...advice });
    this.search.slowDown();
    return true;
  }

  private mismatch(nowMs: number, link: LinkId, theirs: string | undefined): void {
    const message = `The meta server belongs to cluster ${theirs}, this server to ${this.clusterId}.`;
    this.unwanted(this.search.links.get(link), { code: 'CLUSTER_MISMATCH', message });
    this.refuseLink(nowMs, link, message);
  }

  private refuseLink(nowMs: number, link: LinkId, reason: string, pauseMs = 0): void {
    this.hangUp(link, reason);
    if (this.lease?.link === link) this.lose(nowMs, reason, pauseMs);
    else this.search.linkFailed(nowMs, link, reason);
  }

  /** The table, the incarnation and everything else stay; only the link to meta is sought anew. */
  private lose(nowMs: number, reason: string, pauseMs = 0): void {
    if (this.state === 'stopped') return;
    const { address } = this.lease!;
    if (nowMs >= this.lease!.deadAtMs) this.search.shun(address);
    else this.search.prefer(address, 'weakly');
    this.lease = undefined;
    this.state = 'lost';
    this.log('info', 'meta-lost', { meta: address, message: reason });
    this.search.begin(nowMs + pauseMs);
  }

  private leave(): void {
    if (this.lease) {
      const message = { kind: 'leave' as const, incarnation: this.options.self.incarnation };
      this.outcome.effects.push({ type: 'send', link: this.lease.link, message });
    }
    // The link stays open, so that the host may flush the goodbye before it closes everything.
    this.lease = undefined;
    this.state = 'stopped';
  }

  private end(reason: string): void {
    for (const link of this.search.links.keys()) this.hangUp(link, reason);
    this.lease = undefined;
    this.state = 'stopped';
  }

  private advance(nowMs: number, readUntilMs: number): void {
    const { lease } = this;
    if (lease) {
      if (readUntilMs >= lease.deadAtMs) {
        this.refuseLink(nowMs, lease.link, 'No acknowledgement came for most of a lease.');
      } else if (nowMs >= lease.nextHeartbeatMs) this.heartbeat(nowMs, lease);
    }
    if (this.lease) return;
    const next = this.search.advance(nowMs);
    if (next.abandoned !== undefined) this.hangUp(next.abandoned, 'The meta server did not answer the join in time.');
    if (next.dial !== undefined) this.outcome.effects.push({ type: 'dial', address: next.dial });
    if (!this.search.hasFailedARound) return;
    const message = this.search.lastFailure;
    this.logOnce('warn', 'waiting-for-meta', { addresses: this.options.metaAddresses, message });
  }

  private heartbeat(nowMs: number, lease: MetaLease): void {
    const tableEpoch = this.table?.epoch ?? 0;
    this.outcome.effects.push({
      type: 'send',
      link: lease.link,
      message: {
        kind: 'heartbeat',
        incarnation: this.options.self.incarnation,
        sequence: lease.heartbeat(nowMs, tableEpoch),
        tableEpoch,
        ...(this.unreconciled.length > 0 ? { unreconciled: this.unreconciled } : {}),
        ...(this.unreachable.length > 0 ? { unreachable: this.unreachable } : {}),
      },
    });
  }

  private isForeign(clusterId: string | undefined): boolean {
    return this.clusterId !== undefined && clusterId !== undefined && clusterId !== this.clusterId;
  }

  private hangUp(link: LinkId, reason: string): void {
    this.outcome.effects.push({ type: 'hangUp', link, reason });
  }

  private logOnce<Level extends LogLevel>(level: Level, event: EventAt<Level>, fields: Record<string, unknown>): void {
    if (this.said.has(event)) return;
    this.said.add(event);
    this.log(level, event, fields);
  }

  private log<Level extends LogLevel>(level: Level, event: EventAt<Level>, fields: Record<string, unknown>): void {
    this.outcome.effects.push(logged(level, event, fields));
  }
}
