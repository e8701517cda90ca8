import type { Cluster } from './cluster.js';

/**
 * The rule by which the replicas of a slot spread over zones, as evenly as the servers in them allow: so few in each
 * zone that one fewer would not do for all, and that many in no more zones than needed. Two replicas stand in two zones
 * where there are two; three in three, or two and one in two.
 */
export class Spread {
  /** Replicas of a slot in one zone, at most. */
  readonly perZone: number;
  /** Zones that hold `perZone` of them, at most; the others hold fewer. */
  readonly fullZones: number;
  /** Servers that may hold replicas, by zone. */
  readonly zoneSizes: readonly number[];

  constructor(private readonly cluster: Pick<Cluster, 'zone' | 'placeable' | 'replicas'>) {
    const { zone, placeable, replicas } = cluster;
    const sizes = Array.from({ length: Math.max(0, ...zone.map((of) => of + 1)) }, () => 0);
    placeable.forEach((isPlaceable, server) => (sizes[zone[server]!]! += isPlaceable ? 1 : 0));
    const room = (perZone: number): number => sizes.reduce((sum, size) => sum + Math.min(size, perZone), 0);
    let perZone = 0;
    while (room(perZone) < replicas) perZone++;
    this.perZone = perZone;
    this.fullZones = replicas - room(perZone - 1);
    this.zoneSizes = sizes;
  }

  /** Whether a server in the zone of `server` may hold a replica beside `replicas`, of which `without` is to go. */
  hasRoom(replicas: readonly number[], server: number, without = -1): boolean {
    const { zone } = this.cluster;
    const inZone = this.count(replicas, zone[server]!, without) + 1;
    if (inZone < this.perZone) return true;
    if (inZone > this.perZone) return false;
    return this.perZone === 1 || this.countFull(replicas, without) < this.fullZones;
  }

  /** Whether all of `replicas` can stay where they are. */
  allows(replicas: readonly number[]): boolean {
    for (const server of replicas)
      if (this.count(replicas, this.cluster.zone[server]!, -1) > this.perZone) return false;
    return this.perZone === 1 || this.countFull(replicas, -1) <= this.fullZones;
  }

  private countFull(replicas: readonly number[], without: number): number {
    const { zone } = this.cluster;
    let full = 0;
    for (let at = 0; at < replicas.length; at++) {
      const server = replicas[at]!;
      if (server === without) continue;
      // Each full zone is counted at the first of its replicas.
      const isFirst = replicas.findIndex((other) => other !== without && zone[other] === zone[server]) === at;
      if (isFirst && this.count(replicas, zone[server]!, without) >= this.perZone) full++;
    }
    return full;
  }

  private count(replicas: readonly number[], of: number, without: number): number {
    const { zone } = this.cluster;
    let count = 0;
    for (const server of replicas) if (server !== without && zone[server] === of) count++;
    return count;
  }
}
