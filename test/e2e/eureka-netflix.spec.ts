import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { http } from '../support/http.js';
import { EurekaNetflix, lacksJava } from '../support/eureka-netflix.js';

const COMPILE_TIMEOUT_MS = 600_000;
/** Longer than those of the clients, of 4 s. */
const LONGER_LEASE_MS = 10_000;
const BOTH = '10.2.0.1,10.2.0.2';

/** Real processes, and the client that Eureka itself brings. */
const why = lacksJava();
(why === undefined ? describe : describe.skip)(`Netflix's eureka-client${why === undefined ? '' : ` (${why})`}`, () => {
  let cluster: Cluster;
  let netflix: EurekaNetflix;
  let native: RegistryClient;

  beforeAll(async () => {
    await EurekaNetflix.compile();
    cluster = await startCluster({ meta: 3, data: 3, session: 2 });
  }, COMPILE_TIMEOUT_MS);

  afterAll(async () => {
    await netflix?.stop();
    await native?.close({ drain: false });
    await endCluster(cluster);
  }, 60_000);

  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await setTimeout(20);
  };

  it('registers, renews, is told of changes and cancels, while a session server is killed', async () => {
    const [victim, other] = cluster.of('session') as [ClusterNode, ClusterNode];
    const [near, far] = [victim, other].map(({ httpAddress }) => `http://${httpAddress}`) as [string, string];
    native = new RegistryClient({ seeds: [other.rpcAddress] });
    const lists: string[] = [];
    native.subscribe({ dataId: 'javashop' }, ({ publishers }) =>
      lists.push(
        publishers
          .map(({ data }) => /\/\/([^:]+)/.exec(data[0]!)![1])
          .toSorted()
          .join(),
      ),
    );
    netflix = new EurekaNetflix('javashop', [
      { host: '10.2.0.1', servers: [near, far] },
      { host: '10.2.0.2', servers: [far, near] },
    ]);
    netflix.start();
    const knows = (hosts: string) => netflix.shown.every((lately) => lately.at(-1)?.join() === hosts);
    await until(() => lists.at(-1) === BOTH && knows(BOTH));

    const [told, shown] = [lists.length, netflix.shown.map(({ length }) => length)];
    await victim.kill('SIGKILL');
    await http('POST', `${far}/v1/publishers`, { dataId: 'unrenewed', data: ['x'], leaseMs: LONGER_LEASE_MS });
    const unrenewed: number[] = [];
    native.subscribe({ dataId: 'unrenewed' }, ({ publishers }) => unrenewed.push(publishers.length));
    await until(() => unrenewed.includes(1) && unrenewed.at(-1) === 0);
    expect(lists.slice(told).filter((list) => list !== BOTH)).toEqual([]);
    expect(netflix.shown.map((lately, i) => lately.slice(shown[i]))).toEqual([[], []]);

    const publisher = await native.publish({ dataId: 'javashop', data: ['http://10.2.0.3:80'] });
    await until(() => knows(`${BOTH},10.2.0.3`));
    await publisher.unpublish();
    await until(() => knows(BOTH));
    netflix.stopOne(0);
    await until(() => lists.at(-1) === '10.2.0.2' && netflix.shown[1]!.at(-1)!.join() === '10.2.0.2');
    await netflix.stop();
    await until(() => lists.at(-1) === '');
    // A client whose view does not add up to what the server says fetches everything anew, and says so.
    expect(netflix.complaints.filter((line) => /[Rr]econcile hashcodes? do not match/.test(line))).toEqual([]);
  }, 120_000);
});
