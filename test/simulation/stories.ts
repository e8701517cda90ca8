import { type Cluster, type SimSubscriber, Violation } from '#sim';

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

const SERVICE = { dataId: 'user-service' };
const LOST = ['session-1', 'session-2', 'session-3'];

/** A subscriber on the one session server of four that is to stay, and publishers on the others, which know no way to it. */
export function manyPublishers(cluster: Cluster): SimSubscriber {
  const [watching, ...publishing] = cluster.clients;
  for (const name of LOST) cluster.partition(watching!.name, name);
  for (const client of publishing) cluster.partition(client.name, 'session-4');
  cluster.run(15_000);
  const watcher = watching!.subscribe(SERVICE);
  for (const client of publishing) client.publish({ ...SERVICE, data: [`http://${client.name}:80`] });
  cluster.untilConverged();
  return watcher;
}

export function loseMost(cluster: Cluster, how: 'kill' | 'vanish'): void {
  for (const name of LOST) cluster.kill(name, how);
}

/** Most session servers are lost at a time, for longer than any grace, and come back: nobody is shown that. */
export function massLoss(cluster: Cluster, how: 'kill' | 'vanish' = 'kill'): void {
  const watcher = manyPublishers(cluster);
  const sinceMs = cluster.nowMs;
  const whole = watcher.list().size;
  loseMost(cluster, how);
  cluster.run(60_000);
  for (const name of LOST) cluster.restart(name);
  // Longer than any grace.
  cluster.run(60_000);
  cluster.untilConverged();
  for (const { atMs, snapshot } of watcher.shown)
    if (atMs >= sinceMs && snapshot.publishers.length < whole)
      throw new Violation('protection', `a list of ${whole} shrank to ${snapshot.publishers.length} at ${atMs} ms`);
}
