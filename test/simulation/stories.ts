import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, toDataInfoId } from '#model';
import { slotOf } from '#sharding';
import { type Cluster, type DataHost, type SimPublisher, type SimSubscriber, Violation } from '#sim';

/** The lease that meta grants by default. */
export const LEASE_MS = 3_000;

const SERVICE = { dataId: 'user-service' };

/** Some change of a list of many follows another. */
export function oneAfterTheOther(cluster: Cluster): void {
  const [publishing, ...watching] = cluster.clients;
  const publishers = Array.from({ length: 10 }, (_, i) =>
    publishing!.publish({ ...SERVICE, data: [`http://10.0.0.${i}:80`] }),
  );
  cluster.run(1_000);
  for (const client of watching) client.subscribe(SERVICE);
  cluster.run(1_000);
  for (const [i, publisher] of publishers.entries()) {
    publisher.republish([`http://10.0.1.${i}:80`]);
    cluster.run(200);
  }
}

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

/** Applications fail on a push or two, and nothing else changes afterwards that would bring them what they lack. */
export function pushesAreLost(cluster: Cluster): void {
  const [publishing, ...watching] = cluster.clients;
  const publisher = publishing!.publish({ ...SERVICE, data: ['http://10.0.0.1:80'] });
  for (const client of watching) client.subscribe(SERVICE);
  cluster.untilConverged();
  for (const [i, client] of watching.entries()) client.losePushes(i % 3);
  publisher.republish(['http://10.0.0.2:80']);
  cluster.run(15_000);
  cluster.untilConverged(1_000);
}
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

/** The first client on another session server than the others, which are all on this one. Everybody may go anywhere. */
export function gatherOn(cluster: Cluster, host: string): void {
  const [first, ...others] = cluster.clients;
  cluster.partition(first!.name, host);
  for (const client of others)
    for (const { name } of cluster.sessions) if (name !== host) cluster.partition(client.name, name);
  const isPlaced = (): boolean =>
    cluster.clients.every((client) => {
      const at = client.connectedTo()?.host;
      return at !== undefined && (at === host) === (client !== first);
    });
  cluster.until(`everybody is in place around ${host}`, isPlaced, 30_000);
  cluster.heal();
}

/**
 * One machine with a session and a data server ends; the data server is started again, and has lost everything. It takes the
 * clients a while to reach another session server, less than the grace.
 */
export function machineDies(cluster: Cluster): void {
  gatherOn(cluster, 'session-1');
  const [watching, ...publishing] = cluster.clients;
  watching!.subscribe(SERVICE);
  for (const client of publishing) client.publish({ ...SERVICE, data: [`http://${client.name}:80`] });
  cluster.untilConverged();
  for (const client of publishing)
    for (const { name } of cluster.sessions) if (name !== 'session-1') cluster.partition(client.name, name);
  cluster.kill('session-1');
  cluster.restart('data-1');
  cluster.run(2_000);
  cluster.heal();
  cluster.run(20_000);
  cluster.untilConverged();
}

/** A subscriber comes to a session server that knows only what it publishes itself, while the leader knows no more. */
export function everythingIsNew(cluster: Cluster): void {
  gatherOn(cluster, 'session-1');
  const [watching] = cluster.clients;
  watching!.subscribe(SERVICE);
  for (const client of cluster.clients) client.publish({ ...SERVICE, data: [`http://${client.name}:80`] });
  cluster.untilConverged();
  // Whoever has what the others publish is slow to say so.
  cluster.pause('session-1', 2_400);
  cluster.kill(watching!.connectedTo()!.host);
  cluster.restart('data-1');
  cluster.run(20_000);
  cluster.untilConverged();
}

/**
 * Of three replicas one is cut off, misses that something is unpublished and who leads next, and then leads itself: it may
 * offer nothing of what it holds. Whoever could contradict it is silent at the time.
 */
export function staleReplicaLeads(cluster: Cluster): void {
  gatherOn(cluster, 'session-1');
  const [watching, ...publishing] = cluster.clients;
  const published = publishing.map((client) => client.publish({ ...SERVICE, data: [`http://${client.name}:80`] }));
  const ghost = published[0]!;
  cluster.untilConverged();
  const dataInfoId = toDataInfoId({ ...SERVICE, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID });
  const { slots } = cluster.meta.state.table;
  const assignment = (): (typeof slots)[number] => cluster.meta.state.table.slots[slotOf(dataInfoId, slots.length)]!;
  cluster.until('the slot has three replicas', () => assignment().followers.length === 2, 20_000);
  cluster.run(1_000);
  const hostOf = (incarnation: string): DataHost => cluster.data.find((host) => host.incarnation === incarnation)!;
  const [leader, next, stale] = [assignment().leader!, ...assignment().followers].map(hostOf);
  for (const other of [leader!, next!]) cluster.partition(stale!.name, other.name);
  cluster.run(50);
  ghost.unpublish();
  cluster.run(200);
  cluster.kill(leader!.name);
  cluster.until('another leads', () => ![null, leader!.incarnation].includes(assignment().leader), 20_000);
  cluster.run(50);
  // The planner may also take the one that lags, which holds what it held under the leadership right before.
  if (assignment().leader !== next!.incarnation) return;
  cluster.pause('session-1', 2_000);
  const watcher = watching!.subscribe(SERVICE);
  cluster.kill(next!.name);
  cluster.run(20_000);
  if (wasShown(watcher, ghost)) throw new Violation('invariant 9', `${ghost.registerId} is offered by a stale replica`);
}

/**
 * All data servers end and start again on disks that are a little behind. What they had kept of a publication that has been
 * given up meanwhile must not be seen, also not before the session server that knows better has said so.
 */
export function diskRemembers(cluster: Cluster): void {
  gatherOn(cluster, 'session-1');
  const [watching, ...publishing] = cluster.clients;
  const published = publishing.map((client) => client.publish({ ...SERVICE, data: [`http://${client.name}:80`] }));
  const [ghost, renewed] = [published[0]!, published[1]!];
  const watcher = watching!.subscribe(SERVICE);
  cluster.untilConverged();
  // Long enough that all of it is on the disks, whatever a crash takes.
  cluster.run(5_000);
  for (const { name } of cluster.data) cluster.kill(name);
  ghost.unpublish();
  renewed.republish(['http://renewed:80']);
  cluster.run(500);
  const sinceMs = cluster.nowMs;
  // Whoever knows what has happened is slow to say so.
  cluster.pause('session-1', 2_000);
  for (const { name } of cluster.data) cluster.restart(name);
  cluster.run(20_000);
  cluster.untilConverged();
  const least = published.length - 1;
  for (const { atMs, snapshot } of watcher.shown)
    if (atMs >= sinceMs && snapshot.publishers.length < least)
      throw new Violation('invariant 3', `a list of ${least} shrank to ${snapshot.publishers.length} at ${atMs} ms`);
  const late = watcher.shown.filter(({ atMs }) => atMs > sinceMs + 10_000);
  if (late.some(({ snapshot }) => snapshot.publishers.some((each) => each.registerId === ghost.registerId)))
    throw new Violation('invariant 9', `${ghost.registerId} has come back from a disk`);
}

function wasShown(watcher: SimSubscriber, { registerId }: SimPublisher): boolean {
  return watcher.shown.some(({ snapshot }) => snapshot.publishers.some((each) => each.registerId === registerId));
}

/** An application is started again at once, under its old name, on a machine whose clock has been set back. */
export function clockSetBack(cluster: Cluster): void {
  const [watching, former, next] = cluster.clients;
  watching!.subscribe(SERVICE);
  former!.publish({ ...SERVICE, registerId: 'app', data: ['http://10.0.0.1:80'] });
  cluster.untilConverged();
  former!.crash();
  next!.wallOffsetMs = -60_000;
  next!.publish({ ...SERVICE, registerId: 'app', data: ['http://10.0.0.1:81'] });
  cluster.run(20_000);
  cluster.untilConverged();
}
