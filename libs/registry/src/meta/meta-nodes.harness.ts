import {
  type ConfigState,
  type DialFailure,
  type FromMeta,
  type LinkEffect,
  type LinkId,
  type LogEffect,
  type Member,
  PROTOCOL_VERSION,
  type PeerHello,
  type ReplicaReport,
  type SlotSize,
  type RoutingTable,
  type ToMeta,
  type VersionedSwitches,
} from '#model';
import type { MembershipEvent } from '../membership/contract.js';
import { Membership } from '../membership/membership.js';
import type { MetaEffect, MetaEvent } from './contract.js';
import { MetaCore } from './core.js';
import type { MetaWorld } from './meta-world.harness.js';

/** Something that can be stopped in its tracks: while paused, what reaches it waits. */
class Process {
  alive = true;
  private waiting: (() => void)[] | undefined;

  deliver(run: () => void): void {
    if (!this.alive) return;
    if (this.waiting) this.waiting.push(run);
    else run();
  }

  pause(): void {
    this.waiting ??= [];
  }

  resume(): void {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const run of waiting) this.deliver(run);
  }
}

export interface Link {
  id: LinkId;
  member: MemberNode;
  meta: MetaNode;
  open: boolean;
  /** True while packets are dropped without either side being told. */
  silent: boolean;
}

export class MetaNode {
  process = new Process();
  core!: MetaCore;
  unreachable = false;
  /** While true, what is committed does not become known here. */
  lags = false;
  private wakes = 0;

  constructor(
    private readonly world: MetaWorld,
    readonly address: string,
  ) {}

  /** Starts with what the log holds, and then learns who leads. */
  boot(): void {
    this.process = new Process();
    const { random, featureLevel, replicas, version } = this.world;
    this.core = new MetaCore({ random, featureLevel, replicas, slotCount: 8, ...(version ? { version } : {}) });
    this.step({ type: 'start' });
    this.tellCommitted();
    this.world.tellLeadership(this);
  }

  crash(): void {
    this.process.alive = false;
    for (const link of this.world.linksOf(this)) this.world.close(link);
  }

  tellCommitted(): void {
    if (this.lags) return;
    this.step({ type: 'committed', index: this.world.committed.length, state: this.world.state });
  }

  step(event: MetaEvent): void {
    this.process.deliver(() => {
      for (const effect of this.core.step(this.world.nowMs, event)) this.perform(effect);
    });
  }

  inspect(): ReturnType<MetaCore['inspect']> {
    return this.core.inspect(this.world.nowMs);
  }

  hello(): PeerHello {
    const { clusterId } = this.world.state.table;
    return {
      protocol: PROTOCOL_VERSION,
      role: 'meta',
      incarnation: this.address,
      ...(clusterId === '' ? {} : { clusterId }),
    };
  }

  private perform(effect: MetaEffect): void {
    switch (effect.type) {
      case 'wake': {
        const wake = ++this.wakes;
        const { process } = this;
        this.world.at(effect.atMs, () => process.deliver(() => wake === this.wakes && this.step({ type: 'wake' })));
        return;
      }
      case 'propose':
        return this.world.commit(this, effect.sequence, effect.command);
      case 'askFeatureLevel':
        return this.step({ type: 'featureLevel', level: this.world.groupFeatureLevel });
      case 'confirm':
        return this.world.confirm(this, effect.number);
      default:
        return performLinkEffect(this.world, this, effect);
    }
  }
}

export interface MemberNodeOptions {
  role?: Member['role'];
  address?: string;
  featureLevel?: number;
  version?: string;
  metas?: string[];
  table?: RoutingTable;
  switches?: VersionedSwitches;
  /** Is told the kinds of what meta says. */
  heard?: string[];
}

/** What stands for a data or session server: its membership, and nothing else. */
export class MemberNode {
  readonly process = new Process();
  readonly membership: Membership;
  /** Epochs in the order taken. */
  readonly epochs: number[] = [];
  readonly switches: VersionedSwitches[] = [];
  /** Configuration values as meta has told them. */
  readonly config: ConfigState[] = [];
  readonly self: Member;
  private readonly heard: string[];
  private readonly version: { version?: string };
  expelled = false;
  timesJoined = 0;
  /** True while dials to it are lost on the way, or refused there, though its own connections work. */
  unreachable = false;
  refusing = false;
  dials: string[] = [];
  private wakes = 0;

  constructor(
    readonly world: MetaWorld,
    incarnation: string,
    options: MemberNodeOptions,
  ) {
    const { role = 'data', address = `${incarnation}:9620`, featureLevel = 1, table, switches } = options;
    this.heard = options.heard ?? [];
    this.version = options.version === undefined ? {} : { version: options.version };
    this.self = { role, incarnation, address, httpAddress: `${incarnation}:9622`, zone: '', weight: 1, featureLevel };
    this.membership = new Membership({
      self: this.self,
      metaAddresses: options.metas ?? [...world.metas.keys()],
      random: world.random,
      ...(table ? { table } : {}),
      ...(switches ? { switches } : {}),
    });
    this.step({ type: 'start' });
  }

  step(event: MembershipEvent): void {
    this.process.deliver(() => {
      const { membership, world } = this;
      if ('link' in event || event.type === 'dialFailed') {
        // The owner's rule: only what membership owns is passed on, and it must own everything of meta.
        if (!membership.owns(event)) throw new Error(`${event.type} is not owned.`);
      }
      if (event.type === 'received') this.heard.push(event.message.kind);
      const outcome = membership.step(world.nowMs, event);
      for (const effect of outcome.effects) this.perform(effect);
      if (outcome.table) this.epochs.push(outcome.table.epoch);
      if (outcome.switches) this.switches.push(outcome.switches);
      if (outcome.config) this.config.push(...outcome.config);
      if (outcome.table) this.report(this.caughtUp(outcome.table));
      if (outcome.handOver) {
        const { slot, leaderEpoch, to } = outcome.handOver;
        this.report([{ type: 'sealed', slot, leaderEpoch, server: to }]);
      }
      if (outcome.expelled) this.expelled = true;
      if (outcome.joined) this.timesJoined++;
      this.scheduleWake();
    });
  }

  /** As a session server whose clients watch these, and know them as of a version. */
  watchConfig(watch: Record<string, number | undefined>, unwatch: string[] = []): void {
    const keys = Object.entries(watch).map(([key, version]) => (version === undefined ? { key } : { key, version }));
    for (const effect of this.membership.watchConfig(keys, unwatch)) this.perform(effect);
  }

  /** It has seen a connection to the other be refused or break. */
  suspect(incarnation: string): void {
    for (const effect of this.membership.suspect(this.world.nowMs, incarnation)) this.perform(effect);
  }

  /** How much there is in its slots, as it says. */
  tellSizes(sizes: SlotSize[]): void {
    for (const effect of this.membership.tellSizes(sizes)) this.perform(effect);
  }

  dialFailed(address: string, reason: DialFailure, code?: string): void {
    const said = code === undefined ? {} : { code };
    this.step({ type: 'dialFailed', address, reason, message: `${address}: ${reason}`, ...said });
  }

  /** Kill -9: the connections break, nothing is said. */
  crash(): void {
    this.process.alive = false;
    for (const link of this.world.linksOf(this)) this.world.close(link);
  }

  /** The machine loses its power: nobody is told, and nothing answers there. */
  vanish(): void {
    this.process.alive = false;
    this.unreachable = true;
    for (const link of this.world.linksOf(this)) link.silent = true;
  }

  hello(): PeerHello {
    const { clusterId } = this.membership;
    const { role, incarnation } = this.self;
    const known = clusterId === undefined ? {} : { clusterId };
    return { protocol: PROTOCOL_VERSION, role, incarnation, ...this.version, ...known };
  }

  /** Replicas of what it leads have nothing to catch up with. */
  private caughtUp({ slots }: RoutingTable): ReplicaReport[] {
    return slots.flatMap(({ leader, leaderEpoch, joining }, slot) =>
      leader === this.self.incarnation
        ? joining.map((server) => ({ type: 'caughtUp' as const, slot, leaderEpoch, server }))
        : [],
    );
  }

  private report(reports: ReplicaReport[]): void {
    if (reports.length > 0) for (const effect of this.membership.tell(reports)) this.perform(effect);
  }

  private scheduleWake(): void {
    const wake = ++this.wakes;
    const atMs = this.membership.wakeAtMs;
    if (atMs === undefined) return;
    this.world.at(Math.max(atMs, this.world.nowMs), () =>
      this.process.deliver(() => {
        if (wake === this.wakes) this.step({ type: 'wake' });
      }),
    );
  }

  private perform(effect: LinkEffect<ToMeta> | LogEffect): void {
    if (effect.type !== 'dial') return performLinkEffect(this.world, this, effect);
    this.dials.push(effect.address);
    this.world.dial(this, effect.address);
  }
}

function performLinkEffect(
  world: MetaWorld,
  node: MetaNode | MemberNode,
  effect: LinkEffect<FromMeta | ToMeta> | LogEffect,
): void {
  if (effect.type === 'log') {
    const name = node instanceof MetaNode ? node.address : node.self.incarnation;
    world.logs.push({ node: name, event: effect.event, fields: effect.fields ?? {} });
    return;
  }
  if (effect.type === 'dial') return world.probe(node as MetaNode, effect.address);
  const link = world.linksOf(node).find(({ id }) => id === effect.link);
  if (!link) return;
  if (effect.type === 'hangUp') world.close(link);
  else world.send(link, node instanceof MetaNode ? 'member' : 'meta', effect.message);
}
