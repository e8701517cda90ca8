import type { Placement } from './placement.js';

/** To keep the leader costs nothing, to change it this much, and a little more where the next one has yet to catch up. */
const CHANGE = 1_000;
const WAIT = 2;
/** Prefers to relieve one server and supply another with one path over doing it with two that cost as much. */
const HALF = 1;

/**
 * Who is to lead each slot, by slot, -1 for one that waits: one of its future replicas, such that every server's
 * leaderships are within their bounds with the fewest changes. It is a flow of least cost: leadership passes along
 * shortest paths from servers that lead too many slots, over servers that hold replicas of them, to those that lead too
 * few. Where the replicas leave no such path, or nothing `mayMove` for balance, the rest stays as it is.
 */
export function chooseLeaders(placement: Placement, mayMove: boolean): number[] {
  const flow = new LeaderFlow(placement);
  if (mayMove) while (flow.augment());
  return flow.leader;
}

interface Path {
  cost: number;
  /** From who gives to who takes. */
  servers: number[];
}

class LeaderFlow {
  readonly leader: number[];
  private readonly count: number;
  private readonly led: number[];
  private readonly slotsLedBy: number[][];
  /** By pair of servers: what it costs to pass one leadership from the one to the other; Infinity where none can. */
  private readonly prices: Float64Array;
  private isPriced = false;

  constructor(private readonly placement: Placement) {
    const { cluster, replicas } = placement;
    this.count = cluster.servers.length;
    this.led = cluster.servers.map(() => 0);
    this.slotsLedBy = cluster.servers.map(() => []);
    this.prices = new Float64Array(this.count ** 2);
    this.leader = replicas.map(() => -1);
    const open: number[] = [];
    replicas.forEach((own, slot) => {
      const { leader } = cluster.slots[slot]!;
      if (own.includes(leader) && cluster.fit[leader]) this.assign(slot, leader);
      else if (own.length > 0) open.push(slot);
    });
    for (const slot of open) this.assign(slot, this.cheapest(slot));
  }

  /** Passes as many leaderships as it can along the cheapest path that helps; false when there is none. */
  augment(): boolean {
    const { fewest, most } = this.placement.leads;
    const over: number[] = [];
    const spare: number[] = [];
    const under: number[] = [];
    const room: number[] = [];
    this.led.forEach((led, server) => {
      if (led > most[server]!) over.push(server);
      else if (led > fewest[server]!) spare.push(server);
      if (led < fewest[server]!) under.push(server);
      else if (led < most[server]!) room.push(server);
    });
    const isBalanced = over.length === 0 && under.length === 0;
    if (isBalanced) return false;
    this.price();
    const paths = [...this.cheapestPaths(over, under, room), ...this.cheapestPaths(spare, under, [], HALF)];
    if (paths.length === 0) return false;
    const { servers } = paths.reduce((best, path) => (path.cost < best.cost ? path : best));
    this.pass(servers);
    return true;
  }

  /** Bellman-Ford, since to give a leadership back to who has it now is a gain. */
  private cheapestPaths(from: number[], to: number[], orTo: number[], extra = 0): Path[] {
    if (from.length === 0 || to.length + orTo.length === 0) return [];
    const cost = Array.from({ length: this.count }, () => Infinity);
    const via = Array.from({ length: this.count }, () => -1);
    for (const server of from) cost[server] = extra;
    for (let round = 0, changed = true; changed && round < this.count; round++) {
      changed = false;
      for (let a = 0; a < this.count; a++) {
        if (cost[a] === Infinity) continue;
        for (let b = 0; b < this.count; b++) {
          const arrival = cost[a]! + this.prices[a * this.count + b]!;
          if (arrival >= cost[b]!) continue;
          cost[b] = arrival;
          via[b] = a;
          changed = true;
        }
      }
    }
    const pathTo = (end: number, extraCost: number): Path => {
      const servers = [end];
      while (via[servers[0]!]! >= 0 && servers.length <= this.count) servers.unshift(via[servers[0]!]!);
      return { cost: cost[end]! + extraCost, servers };
    };
    return [
      ...to.filter((server) => cost[server]! < Infinity).map((server) => pathTo(server, 0)),
      ...orTo.filter((server) => cost[server]! < Infinity).map((server) => pathTo(server, HALF)),
    ];
  }

  private pass(path: readonly number[]): void {
    const { fewest, most } = this.placement.leads;
    const [first, last] = [path[0]!, path.at(-1)!];
    const hops = path.slice(1).map((to, at) => ({ from: path[at]!, to, slots: this.passable(path[at]!, to) }));
    const amount = Math.min(
      this.led[first]! - (this.led[first]! > most[first]! ? most[first]! : fewest[first]!),
      (this.led[last]! < fewest[last]! ? fewest[last]! : most[last]!) - this.led[last]!,
      ...hops.map(({ slots }) => slots.length),
    );
    for (const { from, to, slots } of hops) {
      for (const slot of slots.slice(0, amount)) {
        this.led[from]!--;
        this.assign(slot, to);
      }
      this.slotsLedBy[from] = this.slotsLedBy[from]!.filter((slot) => this.leader[slot] === from);
    }
    for (const server of path) this.reprice(server);
  }

  /** The slots whose leadership can pass from one to the other at the lowest price. */
  private passable(from: number, to: number): number[] {
    const price = this.prices[from * this.count + to]!;
    return this.slotsLedBy[from]!.filter(
      (slot) => this.placement.replicas[slot]!.includes(to) && this.cost(slot, to) - this.cost(slot, from) === price,
    );
  }

  /** Prices are needed only once something is to pass. */
  private price(): void {
    if (this.isPriced) return;
    this.isPriced = true;
    for (let server = 0; server < this.count; server++) this.reprice(server);
  }

  private reprice(from: number): void {
    const { replicas, cluster } = this.placement;
    this.prices.fill(Infinity, from * this.count, (from + 1) * this.count);
    for (const slot of this.slotsLedBy[from]!) {
      const own = this.cost(slot, from);
      for (const to of replicas[slot]!) {
        if (to === from || !cluster.fit[to]) continue;
        const at = from * this.count + to;
        this.prices[at] = Math.min(this.prices[at]!, this.cost(slot, to) - own);
      }
    }
  }

  private assign(slot: number, leader: number): void {
    this.leader[slot] = leader;
    this.led[leader]!++;
    this.slotsLedBy[leader]!.push(slot);
  }

  private cost(slot: number, server: number): number {
    const { leader, followers } = this.placement.cluster.slots[slot]!;
    if (server === leader) return 0;
    return followers.includes(server) ? CHANGE : CHANGE + WAIT;
  }

  /** For a slot whose leader has to change: a fit replica, a complete one, the one that leads least for its weight. */
  private cheapest(slot: number): number {
    const { replicas, cluster } = this.placement;
    const { fit, weight } = cluster;
    const rank = (server: number): number => (fit[server] ? 0 : 2 * CHANGE) + this.cost(slot, server);
    return replicas[slot]!.reduce((best, server) => {
      const byRank = rank(server) - rank(best);
      const isBetter =
        byRank === 0 && (this.led[server]! + 0.5) * weight[best]! < (this.led[best]! + 0.5) * weight[server]!;
      return byRank < 0 || isBetter ? server : best;
    });
  }
}
