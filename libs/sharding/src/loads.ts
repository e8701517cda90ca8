import { Cluster, type PlanInput } from './cluster.js';
import { isWaiting } from './repair.js';
import { type Bounds, leaderBounds, replicaBounds } from './shares.js';
import { Spread } from './spread.js';

/** What a server carries of something, and what it would in a balanced table. */
export interface Load {
  count: number;
  /** Both included. */
  fewest: number;
  most: number;
}

export interface ServerLoad {
  incarnation: string;
  zone: string;
  weight: number;
  /** Slots that it leads. */
  leads: Load;
  /** Slots of which it has a replica: those it leads, those it follows, and those it is joining. */
  replicas: Load;
}

/** What every live data server carries, in ascending order of incarnation. */
export function serverLoads(input: PlanInput): ServerLoad[] {
  return loadsOf(new Cluster(input));
}

export function loadsOf(cluster: Cluster): ServerLoad[] {
  const { servers, slots, placeable, fit } = cluster;
  const led = servers.map(() => 0);
  const held = servers.map(() => 0);
  for (const { leader, followers, joining } of slots) {
    if (leader >= 0) led[leader]!++;
    for (const server of new Set([leader, ...followers, ...joining])) if (server >= 0) held[server]!++;
  }
  const active = slots.filter((slot) => !isWaiting(slot)).length;
  const mayLead = placeable.map((isPlaceable, server) => isPlaceable && fit[server]!);
  const leaders = leaderBounds(cluster, mayLead, active);
  const replicas = replicaBounds(cluster, new Spread(cluster), active);
  const load = (counts: number[], { fewest, most }: Bounds, server: number): Load => ({
    count: counts[server]!,
    fewest: fewest[server]!,
    most: most[server]!,
  });
  return servers.map(({ incarnation, zone, weight }, server) => ({
    incarnation,
    zone,
    weight,
    leads: load(led, leaders, server),
    replicas: load(held, replicas, server),
  }));
}
