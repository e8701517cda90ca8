import type { DataToSession, RemovalCause, SessionToData } from '#model';
import type { DataCore, RecordedRemoval } from '#registry';
import { type Cluster, type Observer, type SimSubscriber, realCores } from '#sim';
import { untilConverged } from './invariants/convergence.js';
import { gatherOn } from './stories.js';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };
/** The shortest grace after which a leader takes the publications of a session server that is gone away. */
const ORPHAN_GRACE_MS = 5_000;

/** Publishers on `session-1`, and the first client, on another, which watches them. */
function populated(seed: number, data: number): { cluster: Cluster; watcher: SimSubscriber } {
  const cluster = watched({ seed, data, sessions: 3, clients: 6, slotCount: 8 });
  gatherOn(cluster, 'session-1');
  const [watching, ...publishing] = cluster.clients;
  const watcher = watching!.subscribe(SERVICE);
  for (const client of publishing) client.publish({ ...SERVICE, data: [`http://${client.name}:80`] });
  untilConverged(cluster, 20_000);
  return { cluster, watcher };
}

/** What was shown from then on, as the sizes of the lists. */
function sizesSince({ shown }: SimSubscriber, sinceMs: number): number[] {
  return shown.filter(({ atMs }) => atMs >= sinceMs).map(({ snapshot }) => snapshot.publishers.length);
}

function removals({ data }: Cluster): RecordedRemoval[] {
  const cores = data.flatMap(({ core }) => (core as DataCore | undefined) ?? []);
  return cores.flatMap((core) => core.slots().flatMap(({ slot }) => core.removals(slot)));
}

/** Notes which removals session servers ask for, and how many of them a leader refuses. */
class CleanUps implements Observer {
  readonly asked: { from: string; cause: RemovalCause }[] = [];
  refused = 0;

  transit({ from, message }: { from: string; message: unknown }): void {
    const { kind } = message as SessionToData | DataToSession;
    if (kind === 'operations')
      for (const operation of (message as Extract<SessionToData, { kind: 'operations' }>).operations)
        if (operation.op === 'unpublish') this.asked.push({ from, cause: operation.cause });
    if (kind === 'applied')
      for (const { status } of (message as Extract<DataToSession, { kind: 'applied' }>).results)
        if (status === 'stale') this.refused++;
  }
}

describe('a client that reconnects through another session server', () => {
  it.each([1, 2, 3, 4])('loses nothing when the old one cleans up after it (seed %i)', (seed) => {
    const cleanUps = new CleanUps();
    const cluster = watched({
      seed,
      data: 2,
      sessions: 2,
      clients: 2,
      // So many that it does not come to compare this one before it is sure that the client is gone.
      slotCount: 64,
      observers: [() => cleanUps],
      cores: { session: (options) => realCores.session({ ...options, limits: { compareMs: 600_000 } }) },
    });
    cluster.story(() => {
      gatherOn(cluster, 'session-1');
      const [watching, moving] = cluster.clients;
      const watcher = watching!.subscribe(SERVICE);
      const publisher = moving!.publish({ ...SERVICE, data: ['http://10.0.0.1:80'] });
      cluster.untilConverged();
      const sinceMs = cluster.nowMs;
      // The old session server hears nothing of it: only its idle timeout tells it, long after the client has moved.
      cluster.partition(moving!.name, 'session-1');
      cluster.until('the client is elsewhere', () => moving!.connectedTo()?.host === 'session-2', 20_000);
      cluster.run(1_000);
      expect(cleanUps.asked).toEqual([]);
      publisher.republish(['http://10.0.0.1:81']);
      cluster.until('the old one cleans up', () => cleanUps.asked.length > 0, 30_000);
      cluster.run(30_000);
      untilConverged(cluster, 1_000);
      expect(cleanUps.asked).toEqual([{ from: 'session-1', cause: 'grace-expired' }]);
      expect(cleanUps.refused).toBe(1);
      for (const size of sizesSince(watcher, sinceMs)) expect(size).toBe(1);
      expect(removals(cluster)).toEqual([]);
    });
  });
});

describe('a session server and a data server that die together', () => {
  const cases = [1, 2, 3, 4].flatMap((seed) => [2, 3].map((data) => ({ seed, data })));

  it.each(cases)(
    'leave what clients take over; only the rest leaves, after the grace ($data data, seed $seed)',
    (given) => {
      const { cluster, watcher } = populated(given.seed, given.data);
      cluster.story(() => {
        const [, dying, ...staying] = cluster.clients;
        const orphan = dying!.publishers[0]!;
        const sinceMs = cluster.nowMs;
        cluster.kill('session-1');
        cluster.kill('data-1');
        dying!.crash();
        // What its owner takes over is taken over without a word to anybody; nothing leaves before the grace.
        cluster.run(ORPHAN_GRACE_MS - 250);
        expect(sizesSince(watcher, sinceMs).every((size) => size === 5)).toBe(true);
        expect(watcher.list().has(orphan.registerId)).toBe(true);
        for (const client of staying) expect(client.connectedTo()?.host).toMatch(/session-[23]/);

        cluster.until('what nobody claims leaves', () => !watcher.list().has(orphan.registerId), 30_000);
        cluster.run(60_000);
        // Read here, since a slot that moves leaves the record with its former leader.
        const [removal, ...others] = removals(cluster).filter(({ by }) => by === 'leader');
        expect(removal).toMatchObject({ registerId: orphan.registerId, cause: 'grace-expired' });
        expect(others).toEqual([]);
        cluster.restart('session-1');
        cluster.restart('data-1');
        untilConverged(cluster, 20_000);
        const sizes = sizesSince(watcher, sinceMs);
        expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
        expect(watcher.list().size).toBe(4);
      });
    },
  );

  it.each([1, 2, 3, 4])('do so, too, where no replica is left (seed %i)', (seed) => {
    const { cluster, watcher } = populated(seed, 1);
    cluster.story(() => {
      const [, dying] = cluster.clients;
      const orphan = dying!.publishers[0]!;
      const sinceMs = cluster.nowMs;
      cluster.kill('session-1');
      cluster.restart('data-1');
      dying!.crash();
      cluster.run(ORPHAN_GRACE_MS - 250);
      for (const size of sizesSince(watcher, sinceMs)) expect(size).toBe(5);
      cluster.until('what nobody claims leaves', () => !watcher.list().has(orphan.registerId), 30_000);
      cluster.run(20_000);
      cluster.restart('session-1');
      untilConverged(cluster, 20_000);
      for (const size of sizesSince(watcher, sinceMs)) expect(size).toBeGreaterThanOrEqual(4);
      expect(watcher.list().size).toBe(4);
    });
  });
});
