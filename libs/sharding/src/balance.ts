import type { Placement } from './placement.js';

/**
 * Brings what every server carries within its bounds. While servers are over and others under, each exchange helps one
 * of either kind, so that their number is the larger of the total excess and the total deficit: no plan can do with
 * fewer. An exchange takes neither end out of bounds, hence within one plan nothing moves back.
 *
 * Exchanges that cost no join come first: in the `flexible` slots, one replica of more than are needed, or one that is
 * yet to be made, stands for another. Where the spread over zones rules out a direct exchange a chain of them
 * does it, the shortest there is. Where nothing `mayJoin` for balance, only those that cost nothing are made.
 */
export function balance(placement: Placement, flexible: readonly number[], mayJoin: boolean): void {
  const search = new Search(placement, flexible);
  while (search.swap() || search.chain('free'));
  if (mayJoin) while (search.direct() || search.chain('any'));
}

interface Exchange {
  slot: number;
  from: number;
  to: number;
}

/** Who may give a replica, and who may take it. */
interface Ends {
  kind: string;
  donors: number[];
  receivers: number[];
}

class Search {
  private readonly servers: readonly number[];
  /** Replicas that flexible slots have beyond those they need. */
  private readonly extras: readonly (readonly number[])[];
  private readonly futile = new Set<string>();

  constructor(
    private readonly placement: Placement,
    private readonly flexible: readonly number[],
  ) {
    this.servers = placement.load.map((_, server) => server);
    this.extras = flexible.map((slot) => placement.held(slot));
  }

  /** Has a flexible slot keep another of its replicas. */
  swap(): boolean {
    if (this.flexible.length === 0) return false;
    const { placement } = this;
    for (const { donors, receivers } of this.ends()) {
      let best: Exchange | undefined;
      let bestRank = Infinity;
      this.flexible.forEach((slot, at) => {
        for (const to of this.extras[at]!) {
          if (placement.replicas[slot]!.includes(to) || !receivers.includes(to)) continue;
          for (const from of placement.replicas[slot]!) {
            if (!donors.includes(from) || !placement.canReplace(slot, from, to)) continue;
            const rank = this.leadRank(slot, from, to) + this.carries(to) - this.carries(from);
            if (rank < bestRank) [best, bestRank] = [{ slot, from, to }, rank];
          }
        }
      });
      if (!best) continue;
      placement.replace(best.slot, best.from, best.to);
      return true;
    }
    return false;
  }

  /** One exchange to the server that needs most; of a slot that it should lead too, while it leads too few. */
  direct(): boolean {
    const [ends] = this.ends();
    if (!ends) return false;
    for (const to of ends.receivers.toSorted((a, b) => this.carries(a) - this.carries(b))) {
      const exchange = this.withLead(to, ends) ?? this.withoutLead(to, ends);
      if (!exchange) continue;
      this.placement.replace(exchange.slot, exchange.from, exchange.to);
      return true;
    }
    return false;
  }

  /** The shortest chain of exchanges from a server that is to give to one that is to take. */
  chain(kind: 'free' | 'any'): boolean {
    if (kind === 'free' && this.flexible.length === 0) return false;
    for (const ends of this.ends()) {
      const chain = this.findChain(ends, kind);
      if (!chain) continue;
      for (const { slot, from, to } of chain) this.placement.replace(slot, from, to);
      return true;
    }
    return false;
  }

  /** What helps most first. Nothing when all are within their bounds. */
  private ends(): Ends[] {
    const { servers, placement } = this;
    const { load, bounds, cluster } = placement;
    const { fewest, most } = bounds;
    const over = servers.filter((server) => load[server]! > most[server]!);
    const under = servers.filter((server) => cluster.fit[server] && load[server]! < fewest[server]!);
    const spare = servers.filter((server) => load[server]! > fewest[server]!);
    const room = servers.filter((server) => cluster.fit[server] && load[server]! < most[server]!);
    const ends: Ends[] = [];
    if (over.length > 0 && under.length > 0) ends.push({ kind: 'excess', donors: over, receivers: under });
    if (over.length > 0) ends.push({ kind: 'excess', donors: over, receivers: room });
    if (under.length > 0) ends.push({ kind: 'spare', donors: spare, receivers: under });
    return ends;
  }

  /** An exchange in a slot whose leader can pass the leadership on as well: one that leads too many, if there is any. */
  private withLead(to: number, { kind, donors }: Ends): Exchange | undefined {
    const { placement } = this;
    const { leader, led, leads, replicas } = placement;
    if (led[to]! >= leads.fewest[to]!) return undefined;
    const excess = (server: number): number => led[server]! - leads.most[server]!;
    const leaders = this.servers
      .filter((server) => placement.shouldTakeLead(server, to))
      .toSorted((a, b) => excess(b) - excess(a));
    return this.firstOf(leaders, `lead and ${kind} replica to ${to}`, (by) => {
      for (const slot of placement.slotsOf(by)) {
        if (leader[slot] !== by) continue;
        const possible = replicas[slot]!.filter(
          (from) => donors.includes(from) && placement.canReplace(slot, from, to),
        );
        if (possible.length > 0) return { slot, from: this.mostLoaded(possible), to };
      }
      return undefined;
    });
  }

  /** An exchange from who carries most of its share, of a slot that it does not lead unless it should lead fewer. */
  private withoutLead(to: number, { kind, donors }: Ends): Exchange | undefined {
    const { placement } = this;
    const inOrder = donors.toSorted((a, b) => this.carries(b) - this.carries(a));
    const find = (from: number, mayLead: boolean): Exchange | undefined => {
      const slot = placement
        .slotsOf(from)
        .findLast(
          (slot) =>
            (mayLead || placement.leader[slot] !== from || placement.isFree(slot, from, to)) &&
            placement.canReplace(slot, from, to),
        );
      return slot === undefined ? undefined : { slot, from, to };
    };
    return (
      this.firstOf(inOrder, `${kind} replica to ${to}`, (from) => find(from, placement.shouldTakeLead(from, to))) ??
      this.firstOf(inOrder, `any ${kind} replica to ${to}`, (from) => find(from, true))
    );
  }

  /** Servers for which nothing was found are not searched again: should that change, there is still the chain. */
  private firstOf(
    servers: readonly number[],
    what: string,
    find: (server: number) => Exchange | undefined,
  ): Exchange | undefined {
    for (const server of servers) {
      const key = `${what} ${server}`;
      if (this.futile.has(key)) continue;
      const exchange = find(server);
      if (exchange) return exchange;
      this.futile.add(key);
    }
    return undefined;
  }

  private mostLoaded(servers: readonly number[]): number {
    return servers.reduce((best, server) => (this.carries(server) > this.carries(best) ? server : best));
  }

  /** Leaders stay where they are, unless the leadership is wanted there too. */
  private leadRank(slot: number, from: number, to: number): 0 | 1 {
    const { placement } = this;
    const leader = placement.leader[slot]!;
    const isNeedy = placement.led[to]! < placement.leads.fewest[to]!;
    if (isNeedy) return leader >= 0 && placement.shouldTakeLead(leader, to) ? 0 : 1;
    return (leader === from) === placement.shouldTakeLead(from, to) ? 0 : 1;
  }

  private carries(server: number): number {
    const { load, bounds } = this.placement;
    return bounds.share[server]! > 0 ? load[server]! / bounds.share[server]! : Infinity;
  }

  private findChain({ donors, receivers }: Ends, kind: 'free' | 'any'): Exchange[] | undefined {
    const { placement, servers } = this;
    const { fit, placeable } = placement.cluster;
    const via = new Map<number, Exchange>();
    const open = new Set(servers.filter((server) => fit[server] && placeable[server] && !donors.includes(server)));
    const queue = [...donors];
    for (const from of queue) {
      const slots = kind === 'free' ? this.flexible : placement.slotsOf(from);
      for (let at = slots.length - 1; at >= 0 && open.size > 0; at--) {
        const slot = slots[at]!;
        for (const to of open) {
          if (!placement.canReplace(slot, from, to)) continue;
          if (kind === 'free' && !placement.isFree(slot, from, to)) continue;
          const chain = [{ slot, from, to }, ...chainTo(from, via)];
          // Two exchanges in one slot are checked one by one, and might together break what each leaves whole.
          if (chain.some((exchange, index) => index > 0 && exchange.slot === slot)) continue;
          if (receivers.includes(to)) return chain;
          via.set(to, { slot, from, to });
          open.delete(to);
          queue.push(to);
        }
      }
    }
    return undefined;
  }
}

/** The exchanges that lead to a server, the last first: in this order they are made, so that nobody is over in between. */
function chainTo(end: number, via: ReadonlyMap<number, Exchange>): Exchange[] {
  const chain: Exchange[] = [];
  for (let step = via.get(end); step; step = via.get(step.from)) chain.push(step);
  return chain;
}
