import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import { type Cluster, type ClusterNode, balanced } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { EurekaClient } from '../support/eureka-client.js';
import { EurekaJs } from '../support/eureka-js.js';

const LEASE_SECS = 4;
const RENEW_MS = 1_000;
const FETCH_MS = 200;

/** Real processes: one of two session servers is killed while stock clients register, renew and fetch through both. */
describe('clients of Eureka, when a session server is killed', () => {
  let cluster: Cluster;
  const clients: EurekaClient[] = [];

  beforeAll(async () => {
    cluster = await startCluster({ meta: 3, data: 3, session: 2 });
    // While slots move, the first list of a session server may be refused as not complete, which counts as no answer.
    await balanced(() => cluster.of('meta')[0]!);
  }, 60_000);

  afterAll(async () => {
    await endCluster(cluster);
  }, 60_000);

  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await setTimeout(20);
  };
  const renewed = (client: EurekaClient): number => client.renewals.get(200) ?? 0;

  it('go on renewing through the other, and nobody is shown a shorter list', async () => {
    const [victim, other] = cluster.of('session') as [ClusterNode, ClusterNode];
    const [near, far] = [victim, other].map(({ httpAddress }) => `http://${httpAddress}`) as [string, string];
    const native = new RegistryClient({ seeds: [other.rpcAddress] });
    const lengths: number[] = [];
    native.subscribe({ dataId: 'shop' }, ({ publishers }) => lengths.push(publishers.length));
    for (let i = 1; i <= 4; i++)
      clients.push(new EurekaClient(i % 2 ? [near, far] : [far, near], 'SHOP', `10.0.0.${i}`, LEASE_SECS));
    await Promise.all(clients.map((client) => client.start(RENEW_MS, FETCH_MS)));
    await until(() => lengths.at(-1) === 4 && clients.every((client) => client.hostsOf('SHOP').length === 4));
    const stock = [new EurekaJs([near, far], 'stock', '10.1.0.1'), new EurekaJs([far, near], 'stock', '10.1.0.2')];
    const stockLengths: number[] = [];
    native.subscribe({ dataId: 'stock' }, ({ publishers }) => stockLengths.push(publishers.length));
    await Promise.all(stock.map((client) => client.start()));
    await until(() => stockLengths.at(-1) === 2 && stock.every(({ instances }) => instances.length === 2));
    const stockShown = stockLengths.length;
    const [shown, before] = [lengths.length, clients.map(renewed)];
    await victim.kill('SIGKILL');
    // For longer than a lease, so that nothing is there which nobody has renewed through the server that is left.
    await until(() =>
      clients.every((client, i) => renewed(client) >= before[i]! + (2 * LEASE_SECS * 1_000) / RENEW_MS),
    );
    expect(clients.filter(({ unanswered }) => unanswered > 0)).toHaveLength(2);
    expect(lengths.slice(shown).every((length) => length === 4)).toBe(true);
    for (const client of clients) {
      expect([...client.renewals.keys()]).toEqual([200]);
      expect(client.hostsOf('SHOP').toSorted()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']);
      expect(client.refetches).toBe(0);
    }
    expect(stockLengths.slice(stockShown).every((length) => length === 2)).toBe(true);
    for (const { instances } of stock) expect(instances.toSorted()).toEqual(['10.1.0.1:stock', '10.1.0.2:stock']);
    await stock[0]!.stop();
    await until(() => stockLengths.at(-1) === 1 && stock[1]!.instances.length === 1);
    await stock[1]!.stop();
    await until(() => stockLengths.at(-1) === 0);
    // What is new is seen by all, by every door.
    const publisher = await native.publish({ dataId: 'shop', data: ['http://10.0.0.5:80'] });
    await until(() => clients.every((client) => client.hostsOf('SHOP').length === 5));
    await publisher.unpublish();
    await clients[0]!.stop();
    await until(() => lengths.at(-1) === 3);
    await until(() => clients.slice(1).every((client) => client.hostsOf('SHOP').length === 3));
    expect(clients.slice(1).map(({ refetches }) => refetches)).toEqual([0, 0, 0]);
    await Promise.all(clients.slice(1).map((client) => client.stop()));
    await until(() => lengths.at(-1) === 0);
    await native.close();
  }, 90_000);
});
