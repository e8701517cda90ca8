import type { Cluster } from '#sim';
import { watched } from '../watched.js';
import { KeyClients, TTL_S } from './key-clients.js';

/** A random schedule of clients of the keyspace, and of servers that die and links that break. @returns what it came across */
export function runKeys(seed: number): Record<string, number> {
  const cluster = watched({ seed, metas: 1, data: 3, sessions: 2, clients: 0, slotCount: 8 });
  let counts: Record<string, number> = {};
  cluster.story(() => {
    const random = cluster.world.fork();
    cluster.run(3_000);
    const clients = new KeyClients(cluster);
    const untilMs = cluster.nowMs + 30_000;
    let nextFaultMs = cluster.nowMs + 5_000;
    while (cluster.nowMs < untilMs) {
      clients.act();
      if (random() < 0.01) clients.letGo();
      if (cluster.nowMs >= nextFaultMs) {
        clients.count(breakSomething(cluster, random()));
        nextFaultMs = cluster.nowMs + 2_500 + random() * 4_000;
      }
      cluster.run(random() * 60);
    }
    for (const server of cluster.servers) if (server.dead) server.start();
    for (const lease of clients.leases) lease.isWanted = false;
    // The keys of a lease whose copy was lost end by themselves.
    cluster.run(3 * TTL_S * 1_000 + 20_000);
    clients.check();
    ({ counts } = clients);
  });
  return counts;
}

/** One thing at a time, for what was acknowledged a moment before must not be lost with all who had it. */
function breakSomething(cluster: Cluster, roll: number): string {
  const isWhole = cluster.servers.every(({ dead }) => !dead);
  if (!isWhole) return 'nothing broken';
  const restartLater = (name: string): void => {
    cluster.kill(name);
    cluster.world.at(cluster.nowMs + 500 + roll * 1_000, () => cluster.restart(name));
  };
  const one = <Item>(items: readonly Item[]): Item => items[Math.floor(roll * 97) % items.length]!;
  if (roll < 0.4) {
    restartLater(one(cluster.data).name);
    return 'data server killed';
  }
  if (roll < 0.6) {
    restartLater(one(cluster.sessions).name);
    return 'session server killed';
  }
  if (roll < 0.8) cluster.partition(one(cluster.data).name, one(cluster.sessions).name, 1_500);
  else cluster.pause(one(cluster.data).name, 1_000);
  return 'link cut or server paused';
}
