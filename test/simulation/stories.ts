import type { Cluster } from '#sim';

/** The lease that meta grants by default. */
export const LEASE_MS = 3_000;

/** A server stands still for less than a lease, while its connections to everybody break again and again. */
export function standsStill(cluster: Cluster, name: string): void {
  cluster.pause(name, LEASE_MS - 600);
  const peers = cluster.servers.filter((peer) => peer.name !== name);
  for (let i = 0; i < 20; i++) {
    for (const peer of peers) cluster.world.network.resetOne({ a: name, b: peer.name });
    cluster.run(100);
  }
  cluster.run(LEASE_MS * 2);
}
