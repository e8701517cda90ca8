import type { Cluster } from './cluster.js';
import type { Spread } from './spread.js';

/** How many slots each server holds in a balanced table, by index. */
export interface Bounds {
  /** What is its due by weight: a fraction. */
  share: readonly number[];
  /** Both included. */
  fewest: readonly number[];
  most: readonly number[];
}

/** A server may be off its share by 10 % or by one slot, whichever is more. */
const TOLERANCE = 0.1;
/** Shares are sums of fractions; what is this close to a whole number is meant to be one. */
const EPSILON = 1e-9;

/** Bounds for `slots` leaders, shared by weight among those for whom `mayLead` is true. */
export function leaderBounds({ weight }: Cluster, mayLead: readonly boolean[], slots: number): Bounds {
  return boundsOf(divide(weight, mayLead, slots, slots));
}

/**
 * Bounds for the replicas of `slots` slots, shared by weight as far as the spread over zones allows: a server holds at
 * most one replica of each slot, and a zone no more and no fewer than the spread allows it. The shares could be
 * had exactly if replicas were divisible, so there is a placement of whole ones within the bounds.
 */
export function replicaBounds({ weight, zone, placeable, replicas }: Cluster, spread: Spread, slots: number): Bounds {
  const zones = spread.zoneSizes.map((size, of) => ({
    servers: placeable.map((isPlaceable, server) => isPlaceable && zone[server] === of),
    fewest: slots * Math.min(size, spread.perZone - 1),
    most: slots * Math.min(size, spread.perZone),
  }));
  const heldAt = (servers: readonly boolean[], level: number): number =>
    weight.reduce((sum, of, server) => sum + (servers[server] ? Math.min(slots, of * level) : 0), 0);
  const total = slots * replicas;
  // The level, in replicas for each unit of weight, at which the zones within their limits hold all.
  const level = bisect(
    (candidate) =>
      zones.reduce((sum, { servers, fewest, most }) => sum + clamp(heldAt(servers, candidate), fewest, most), 0) <
      total,
  );
  const shares = weight.map(() => 0);
  const add = (servers: readonly boolean[], amount: number): void =>
    divide(weight, servers, amount, slots).forEach((share, server) => (shares[server]! += share));
  const free = placeable.map(() => false);
  let left = total;
  for (const { servers, fewest, most } of zones) {
    const held = heldAt(servers, level);
    if (held > fewest && held < most) {
      servers.forEach((isHere, server) => (free[server] ||= isHere));
    } else {
      const amount = held <= fewest ? fewest : most;
      add(servers, amount);
      left -= amount;
    }
  }
  add(free, left);
  return boundsOf(shares);
}

/** Divides `total` by weight among some, none of whom takes more than `most`. */
function divide(weight: readonly number[], among: readonly boolean[], total: number, most: number): number[] {
  const shares = weight.map(() => 0);
  const open = new Set(among.flatMap((isIn, server) => (isIn ? [server] : [])));
  let left = total;
  while (open.size > 0) {
    const sum = [...open].reduce((heavier, server) => heavier + weight[server]!, 0);
    const full = [...open].filter((server) => (left * weight[server]!) / sum >= most);
    if (full.length === 0) {
      for (const server of open) shares[server] = (left * weight[server]!) / sum;
      break;
    }
    for (const server of full) {
      shares[server] = most;
      left -= most;
      open.delete(server);
    }
  }
  return shares;
}

function boundsOf(share: readonly number[]): Bounds {
  const slack = share.map((of) => (of > 0 ? Math.max(1, of * TOLERANCE) : 0));
  return {
    share,
    fewest: share.map((of, server) => Math.max(0, Math.ceil(of - slack[server]! - EPSILON))),
    most: share.map((of, server) => Math.floor(of + slack[server]! + EPSILON)),
  };
}

function clamp(value: number, fewest: number, most: number): number {
  return Math.min(most, Math.max(fewest, value));
}

/** The least number at which `isTooLow` ends, as close as numbers get; it must end somewhere. */
function bisect(isTooLow: (value: number) => boolean): number {
  let low = 0;
  let high = 1;
  while (isTooLow(high) && high < Number.MAX_VALUE / 4) {
    low = high;
    high *= 2;
  }
  while (true) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return high;
    if (isTooLow(middle)) low = middle;
    else high = middle;
  }
}
