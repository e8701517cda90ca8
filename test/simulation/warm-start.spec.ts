import type { DataCore } from '#registry';
import type { Cluster, DataHost, SimSubscriber } from '#sim';
import { untilConverged } from './invariants/convergence.js';
import { diskRemembers, gatherOn } from './stories.js';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };
const SERVICES = Array.from({ length: 12 }, (_, i) => `service-${i}`);

const statsOf = ({ core }: DataHost) => (core as DataCore).stats();

/** Long enough that all there is is on the disks, whatever a crash takes. */
const UNTIL_KEPT_MS = 5_000;

/** Clients that publish under many names, one that watches, and everything on the disks. */
function populated(seed: number, data: number): { cluster: Cluster; watcher: SimSubscriber; published: number } {
  const cluster = watched({ seed, data, sessions: 2, clients: 5, slotCount: 8 });
  const [watching, ...publishing] = cluster.clients;
  const watcher = watching!.subscribe(SERVICE);
  for (const client of publishing) {
    client.publish({ ...SERVICE, data: [`http://${client.name}:80`] });
    for (const dataId of SERVICES) client.publish({ dataId, data: [`http://${client.name}:81`] });
  }
  untilConverged(cluster, 20_000);
  cluster.run(UNTIL_KEPT_MS);
  return { cluster, watcher, published: publishing.length * (1 + SERVICES.length) };
}

function sizesSince({ shown }: SimSubscriber, sinceMs: number): number[] {
  return shown.filter(({ atMs }) => atMs >= sinceMs).map(({ snapshot }) => snapshot.publishers.length);
}

describe('a warm start', () => {
  it.each([1, 2, 3, 4])('of the only data server asks session servers for what is new (seed %i)', (seed) => {
    const { cluster, watcher, published } = populated(seed, 1);
    cluster.story(() => {
      const [data] = cluster.data;
      cluster.kill(data!.name);
      const sinceMs = cluster.nowMs;
      const [first, second] = cluster.publishers;
      first!.republish(['http://new:80']);
      second!.unpublish();
      cluster.restart(data!.name);
      untilConverged(cluster, 20_000);
      expect(statsOf(data!)).toMatchObject({
        publicationsAskedFor: 1,
        warm: { loaded: published, confirmed: published - 2, dropped: 2 },
      });
      expect(sizesSince(watcher, sinceMs).filter((size) => size < 4)).toEqual([]);
      // Nothing was removed, since nothing had been shown.
      expect([...Array(8).keys()].flatMap((slot) => (data!.core as DataCore).removals(slot))).toEqual([]);
    });
  });

  it.each([1, 2, 3, 4])('of one of two asks the other for what is new (seed %i)', (seed) => {
    const { cluster, published } = populated(seed, 2);
    cluster.story(() => {
      const [, data] = cluster.data;
      cluster.kill(data!.name);
      cluster.run(6_000);
      cluster.publishers[0]!.republish(['http://new:80']);
      cluster.run(500);
      cluster.restart(data!.name);
      untilConverged(cluster, 20_000);
      const { publicationsCopied, publicationsAskedFor, warm } = statsOf(data!);
      expect(warm.loaded).toBe(published);
      // A datum has one publication of each of four clients, and is copied as a whole.
      expect(publicationsCopied).toBe(4);
      expect(publicationsAskedFor).toBe(0);
    });
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'of all data servers brings nothing back that was given up meanwhile (seed %i)',
    (seed) => {
      const cluster = watched({ seed, data: 1 + (seed % 3), sessions: 3, clients: 5, slotCount: 8 });
      cluster.story(() => {
        diskRemembers(cluster);
        const loaded = cluster.data.reduce((sum, { warmDisk }) => sum + warmDisk.loaded, 0);
        expect(loaded).toBeGreaterThan(0);
      });
    },
  );

  it('is a cold one where the disk fails, and a warm one again after that', () => {
    const { cluster, published } = populated(7, 1);
    cluster.story(() => {
      const [data] = cluster.data;
      data!.warmDisk.isFailing = true;
      cluster.publishers[0]!.republish(['http://new:80']);
      cluster.run(UNTIL_KEPT_MS);
      untilConverged(cluster, 1_000);
      expect(statsOf(data!).warm.failures).toBeGreaterThan(0);
      data!.warmDisk.isFailing = false;
      cluster.run(20_000);
      cluster.restart(data!.name);
      untilConverged(cluster, 20_000);
      expect(statsOf(data!)).toMatchObject({ publicationsAskedFor: 0, warm: { confirmed: published } });
    });
  });

  it('begins anew under another incarnation of the same process', () => {
    const { cluster } = populated(8, 1);
    cluster.story(() => {
      gatherOn(cluster, 'session-1');
      const [data] = cluster.data;
      const { incarnation } = data!;
      cluster.pause(data!.name, 20_000);
      cluster.run(25_000);
      untilConverged(cluster, 30_000);
      expect(data!.incarnation).not.toBe(incarnation);
      expect(statsOf(data!).warm).toMatchObject({ loaded: 0 });
      cluster.run(UNTIL_KEPT_MS);
      cluster.restart(data!.name);
      untilConverged(cluster, 20_000);
      expect(statsOf(data!).publicationsAskedFor).toBe(0);
    });
  });
});
