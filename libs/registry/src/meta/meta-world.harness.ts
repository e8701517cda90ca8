import { FEATURE_LEVEL, type FromMeta, type PeerHello, type RoutingTable, type ToMeta, seededRandom } from '#model';
import type { CommandOf, MetaCommand, MetaEvent, MetaState } from './contract.js';
import { type Link, MemberNode, type MemberNodeOptions, MetaNode } from './meta-nodes.harness.js';
import { createMetaStateMachine, metaStateMachine } from './state.js';

export { MemberNode, MetaNode } from './meta-nodes.harness.js';

const COMMIT_MS = 3;
const CONNECT_TIMEOUT_MS = 5_000;
/** The sequence of what others than the core propose. */
const NOT_OF_THE_CORE = 0;
const PROBE_TIMEOUT_MS = 1_000;

/** Meta nodes over one log, and members, in one virtual time. For the specs of `MetaCore` and `Membership`. */
export class MetaWorld {
  nowMs = 5_000;
  /** Of one message, one way. */
  latencyMs = 1;
  /** Of every slot, the leader included. */
  replicas = 1;
  readonly logs: { node: string; event: string; fields: Record<string, unknown> }[] = [];
  readonly committed: MetaCommand[] = [];
  readonly random = seededRandom(7);
  readonly links = new Set<Link>();
  readonly metas = new Map<string, MetaNode>();
  readonly members: MemberNode[] = [];
  /** Addresses that meta has dialled, in order. */
  readonly probes: string[] = [];
  state: MetaState = metaStateMachine.initial();
  /** The highest that meta nodes support, and what they know of each other's. */
  featureLevel = FEATURE_LEVEL;
  /** Of meta. */
  version: string | undefined;
  groupFeatureLevel: number | undefined;
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
      const applied = createMetaStateMachine(this.featureLevel).apply(this.state, command);
      this.state = applied.state;
      this.committed.push(command);
      for (const node of this.metas.values()) node.tellCommitted();
      proposer.step({ type: 'proposed', sequence, outcome: { ok: true, result: applied.result } });
    });
  }

  confirm(node: MetaNode, number: number): void {
    const { term } = this;
    this.at(this.nowMs + COMMIT_MS, () => {
      const leads = this.leader === node.address && this.term === term && this.logWorks;
      node.step({ type: 'confirmed', number, tableEpoch: leads ? this.state.table.epoch : undefined });
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
      else if (isForeign(member.hello(), meta.hello()))
        this.soon(() => member.dialFailed(address, 'rejected', 'CLUSTER_MISMATCH'));
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

/** What links of both sides look at before there is one. */
function isForeign(one: PeerHello, other: PeerHello): boolean {
  return one.clusterId !== undefined && other.clusterId !== undefined && one.clusterId !== other.clusterId;
}
