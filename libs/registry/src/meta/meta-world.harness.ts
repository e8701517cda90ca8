import {
  type FromMeta,
  type LinkEffect,
  type LinkId,
  type LogEffect,
  type Member,
  PROTOCOL_VERSION,
  type PeerHello,
  type ReplicaReport,
  type RoutingTable,
  type ToMeta,
  type VersionedSwitches,
  seededRandom,
} from '#model';
import type { MembershipEvent } from '../membership/contract.js';
import { Membership } from '../membership/membership.js';
import type { CommandOf, MetaCommand, MetaEffect, MetaEvent, MetaState } from './contract.js';
import { MetaCore } from './core.js';
import { metaStateMachine } from './state.js';

const COMMIT_MS = 3;
const CONNECT_TIMEOUT_MS = 5_000;
/** The sequence of what others than the core propose. */
const NOT_OF_THE_CORE = 0;
const PROBE_TIMEOUT_MS = 1_000;

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

interface Link {
  id: LinkId;
  member: MemberNode;
  meta: MetaNode;
  open: boolean;
  /** True while packets are dropped without either side being told. */
  silent: boolean;
}

/** Meta nodes over one log, and members, in one virtual time. For the specs of `MetaCore` and `Membership`. */
export class MetaWorld {
  nowMs = 5_000;
  /** Of one message, one way. */
  latencyMs = 1;
  readonly logs: { node: string; event: string; fields: Record<string, unknown> }[] = [];
  readonly committed: MetaCommand[] = [];
  readonly random = seededRandom(7);
  readonly links = new Set<Link>();
  readonly metas = new Map<string, MetaNode>();
  readonly members: MemberNode[] = [];
  /** Addresses that meta has dialled, in order. */
  readonly probes: string[] = [];
  state: MetaState = metaStateMachine.initial();
  /** While false, proposals fail. */
  logWorks = true;
  private leader: string | undefined;
  private term = 0;
  private queue: { atMs: number; order: number; run: () => void }[] = [];
  private order = 0;
  private lastLink = 0;

  at(atMs: number, run: () => void): void {
    this.queue.push({ atMs, order: this.order++, run });
  }

  soon(run: () => void): void {
    this.at(this.nowMs + this.latencyMs, run);
  }

  run(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    for (;;) {
      const next = this.queue
        .filter(({ atMs }) => atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (!next) break;
      this.queue.splice(this.queue.indexOf(next), 1);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = endMs;
  }

  get table(): RoutingTable {
    return this.state.table;
  }

  get incarnations(): string[] {
    return this.table.members.map(({ incarnation }) => incarnation);
  }

  /** Whoever leads any slot, each once. */
  get leaders(): (string | null)[] {
    return [...new Set(this.table.slots.map(({ leader }) => leader))].sort();
  }

  commands<Type extends MetaCommand['type']>(type: Type): CommandOf<Type>[] {
    return this.committed.filter((command): command is CommandOf<Type> => command.type === type);
  }

  /** Runs until `condition` holds. @returns how long that took */
  until(condition: () => boolean, limitMs = 20_000): number {
    const startMs = this.nowMs;
    while (!condition()) {
      if (this.nowMs - startMs > limitMs) throw new Error(`Not so within ${limitMs} ms: ${condition.toString()}`);
      this.run(1);
    }
    return this.nowMs - startMs;
  }

  meta(address: string, lags = false): MetaNode {
    const node = new MetaNode(this, address);
    node.lags = lags;
    this.metas.set(address, node);
    node.boot();
    return node;
  }

  elect(address: string | undefined): void {
    this.leader = address;
    this.term++;
    for (const node of this.metas.values()) this.tellLeadership(node);
  }

  tellLeadership(node: MetaNode): void {
    const leading = node.address === this.leader;
    const hint = !leading && this.leader !== undefined ? { leader: this.leader } : {};
    node.step({ type: 'leadership', term: this.term, leading, ...hint });
  }

  member(incarnation: string, options: MemberNodeOptions = {}): MemberNode {
    const node = new MemberNode(this, incarnation, options);
    this.members.push(node);
    return node;
  }

  /** A member that has joined and been sent a table. */
  join(incarnation: string, options: MemberNodeOptions = {}): MemberNode {
    const node = this.member(incarnation, options);
    this.until(() => node.membership.state === 'joined' && node.epochs.length > 0);
    return node;
  }

  commit(proposer: MetaNode, sequence: number, command: MetaCommand): void {
    const { term } = this;
    this.at(this.nowMs + COMMIT_MS, () => {
      if (this.leader !== proposer.address || this.term !== term || !this.logWorks) {
        proposer.step({ type: 'proposed', sequence, outcome: { ok: false, message: 'The log does not take it.' } });
        return;
      }
      const applied = metaStateMachine.apply(this.state, command);
      this.state = applied.state;
      this.committed.push(command);
      for (const node of this.metas.values()) node.tellCommitted();
      proposer.step({ type: 'proposed', sequence, outcome: { ok: true, result: applied.result } });
    });
  }

  /** What an operator has changed: committed like anything that the leader proposes. */
  operate(command: MetaCommand): void {
    this.commit(this.metas.get(this.leader!)!, NOT_OF_THE_CORE, command);
  }

  dial(member: MemberNode, address: string): void {
    this.soon(() => {
      const meta = this.metas.get(address);
      if (meta?.unreachable) {
        this.at(this.nowMs + CONNECT_TIMEOUT_MS, () => member.dialFailed(address, 'unreachable'));
      } else if (!meta?.process.alive) member.dialFailed(address, 'refused');
      else meta.process.deliver(() => this.open(member, meta));
    });
  }

  /** A dial by meta: what it hears is what really goes on at the address, or nothing. */
  probe(meta: MetaNode, address: string): void {
    this.probes.push(address);
    let isOver = false;
    const end = (event: MetaEvent): void => {
      if (isOver) return;
      isOver = true;
      meta.step(event);
    };
    const failed = (reason: 'refused' | 'unreachable'): void =>
      end({ type: 'dialFailed', address, reason, message: `${address}: ${reason}` });
    this.at(this.nowMs + PROBE_TIMEOUT_MS, () => failed('unreachable'));
    this.soon(() => {
      const here = this.members.filter(({ self }) => self.address === address);
      if (here.some(({ unreachable }) => unreachable)) return;
      const member = here.find(({ process, refusing }) => process.alive && !refusing);
      if (!member) return this.soon(() => failed('refused'));
      member.process.deliver(() => {
        if (isOver) return;
        const link: Link = { id: ++this.lastLink, member, meta, open: true, silent: false };
        this.links.add(link);
        member.step({ type: 'linkUp', link: link.id, direction: 'in', address: 'somewhere:1', hello: meta.hello() });
        this.soon(() => end({ type: 'linkUp', link: link.id, direction: 'out', address, hello: member.hello() }));
      });
    });
  }

  send(link: Link, to: 'member' | 'meta', message: unknown): void {
    this.soon(() => {
      if (!link.open || link.silent) return;
      if (to === 'meta') link.meta.step({ type: 'received', link: link.id, message: message as ToMeta });
      else link.member.step({ type: 'received', link: link.id, message: message as FromMeta });
    });
  }

  close(link: Link): void {
    if (!link.open) return;
    link.open = false;
    this.links.delete(link);
    this.soon(() => {
      link.meta.step({ type: 'linkDown', link: link.id });
      link.member.step({ type: 'linkDown', link: link.id });
    });
  }

  linksOf(node: MetaNode | MemberNode): Link[] {
    return [...this.links].filter(({ member, meta }) => member === node || meta === node);
  }

  private open(member: MemberNode, meta: MetaNode): void {
    const link: Link = { id: ++this.lastLink, member, meta, open: true, silent: false };
    this.links.add(link);
    meta.step({ type: 'linkUp', link: link.id, direction: 'in', address: 'somewhere:1', hello: member.hello() });
    this.soon(() =>
      member.step({ type: 'linkUp', link: link.id, direction: 'out', address: meta.address, hello: meta.hello() }),
    );
  }
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
    this.core = new MetaCore({ random: this.world.random, slotCount: 8 });
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
      default:
        return performLinkEffect(this.world, this, effect);
    }
  }
}

export interface MemberNodeOptions {
  role?: Member['role'];
  address?: string;
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
  readonly self: Member;
  private readonly heard: string[];
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
    const { role = 'data', address = `${incarnation}:9620`, table, switches } = options;
    this.heard = options.heard ?? [];
    this.self = { role, incarnation, address, httpAddress: `${incarnation}:9622`, zone: '', weight: 1 };
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

  /** It has seen a connection to the other be refused or break. */
  suspect(incarnation: string): void {
    for (const effect of this.membership.suspect(this.world.nowMs, incarnation)) this.perform(effect);
  }

  dialFailed(address: string, reason: 'refused' | 'unreachable'): void {
    this.step({ type: 'dialFailed', address, reason, message: `${address}: ${reason}` });
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
    return { protocol: PROTOCOL_VERSION, role, incarnation, ...(clusterId === undefined ? {} : { clusterId }) };
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
