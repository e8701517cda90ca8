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

  /** Passes leaderships along the cheapest paths that help; false when there is none. */
  augment(): boolean {
    const { fewest, most } = this.placement.leads;
    const servers = this.led.map((_, server) => server);
    const over = servers.filter((server) => this.led[server]! > most[server]!);
    const under = servers.filter((server) => this.led[server]! < fewest[server]!);
    if (over.length === 0 && under.length === 0) return false;
    const spare = servers.filter((server) => this.led[server]! > fewest[server]! && !over.includes(server));
    const room = servers.filter((server) => this.led[server]! < most[server]! && !under.includes(server));
    this.price();
    const paths = [...this.cheapestPaths(over, under, room), ...this.cheapestPaths(spare, under, [], HALF)];
    if (paths.length === 0) return false;
    const { cost, servers: path } = paths.reduce((best, other) => (other.cost < best.cost ? other : best));
    if (path.length > 2) this.pass(path);
    else this.passDirectly(over.includes(path[0]!) ? over : spare, path[1]!, cost);
    return true;
  }

  /**
   * All the paths of one hop from servers of one kind to the one that take it no dearer than the cheapest did: none
   * becomes dearer, nor anything cheaper, by the use of another. Who leads most of its share gives first.
   */
  private passDirectly(from: number[], to: number, cost: number): void {
    const { share } = this.placement.leads;
    for (const server of from.toSorted((a, b) => this.led[b]! / share[b]! - this.led[a]! / share[a]!))
      if (this.prices[server * this.count + to]! + this.penalty(server, to) <= cost) this.pass([server, to]);
  }

  /** What it costs beside the changes to relieve the one and supply the other; Infinity where neither needs it. */
  private penalty(first: number, last: number): number {
    const { fewest, most } = this.placement.leads;
    const isOver = this.led[first]! > most[first]!;
    const isUnder = this.led[last]! < fewest[last]!;
    if (isOver && isUnder) return 0;
    if (isOver && this.led[last]! < most[last]!) return HALF;
    return isUnder && this.led[first]! > fewest[first]! ? HALF : Infinity;
  }

  /** Bellman-Ford with a queue, since to give a leadership back to who has it now is a gain. No cycle is one. */
  private cheapestPaths(from: number[], to: number[], orTo: number[], extra = 0): Path[] {
    if (from.length === 0 || to.length + orTo.length === 0) return [];
    const { count, prices } = this;
    const cost = new Float64Array(count).fill(Infinity);
    const via = new Int32Array(count).fill(-1);
    const isWaiting = new Uint8Array(count);
    const queue = [...from];
    for (const server of from) cost[server] = extra;
    for (const server of queue) {
      if (queue.length > this.count ** 2) return [];
      isWaiting[server] = 0;
      const [departure, row] = [cost[server]!, server * count];
      for (let next = 0; next < count; next++) {
        const arrival = departure + prices[row + next]!;
        if (arrival >= cost[next]!) continue;
        cost[next] = arrival;
        via[next] = server;
        if (isWaiting[next] === 0) queue.push(next);
        isWaiting[next] = 1;
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
    for (let at = 1; at < path.length; at++) {
      const [from, to] = [path[at - 1]!, path[at]!];
      const slot = this.passable(from, to);
      this.led[from]!--;
      this.slotsLedBy[from] = this.slotsLedBy[from]!.filter((other) => other !== slot);
      this.assign(slot, to);
    }
    for (const server of path) this.reprice(server);
  }

  /** A slot whose leadership can pass from one to the other at the lowest price. */
  private passable(from: number, to: number): number {
    const price = this.prices[from * this.count + to]!;
    return this.slotsLedBy[from]!.find(
      (slot) => this.placement.replicas[slot]!.includes(to) && this.cost(slot, to) - this.cost(slot, from) === price,
    )!;
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
