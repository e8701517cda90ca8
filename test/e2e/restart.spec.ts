import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { http } from '../support/http.js';
import { Watch } from '../support/watch.js';

/** Real processes, killed as an operator's bad day would. */
describe('three processes of which one dies', () => {
  let cluster: Cluster;
  let base: string;
  const clients: RegistryClient[] = [];

  beforeAll(async () => {
    // Shorter than by default, so that an outage of some seconds is a long one. The silence stays longer than the lease,
    // since until that ends meta may believe that a dead leader lives.
    const env = { ROLLCALL_SESSION_LIMITS_LEADER_SILENCE_MS: '2500', ROLLCALL_META_LIMITS_LEASE_MS: '1500' };
    cluster = await startCluster({ meta: 1, data: 1, session: 2, env });
    base = `http://${cluster.of('session')[0]!.httpAddress}`;
  }, 60_000);

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close({ drain: false })));
    await endCluster(cluster, { gracefully: true });
  }, 30_000);

  function sdk(session: number): RegistryClient {
    const client = new RegistryClient({ seeds: [cluster.of('session')[session]!.rpcAddress] });
    clients.push(client);
    return client;
  }

  it('brings back every publication after the only data server was killed, and never shows a shrunken list', async () => {
    const expected: string[] = [];
    for (let index = 0; index < 20; index++) {
      await sdk(index % 2).publish({ dataId: 'restart', data: [`connected-${index}`] });
      expected.push(`connected-${index}`);
    }
    const leased = await http('POST', `${base}/v1/publishers`, {
      dataId: 'restart',
      data: ['leased'],
      leaseMs: 60_000,
    });
    expect(leased.status).toBe(201);
    expected.push('leased');
    const all = expected.toSorted().join();
    const watch = await Watch.open(base, 'dataId=restart');
    await watch.until(() => watch.data.join() === all);
    const complete = watch.events.length;

    const data = cluster.of('data')[0]!;
    for (let round = 1; round <= 3; round++) {
      await data.kill('SIGKILL');
      await data.start().ready();
      const added = `after-${round}`;
      await sdk(round % 2).publish({ dataId: 'restart', data: [added] });
      expected.push(added);
      await watch.until(() => watch.data.join() === expected.toSorted().join() && !watch.last!.partial);
      const fresh = await http('GET', `${base}/v1/datums?dataId=restart`);
      expect(fresh.body.publishers).toHaveLength(expected.length);
    }
    const sizes = watch.events.slice(complete - 1).map(({ datum }) => datum.publishers.length);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    const renewed = await http('PUT', `${base}/v1/publishers/${leased.body.registerId}/lease`);
    expect(renewed.status).toBe(200);
    watch.close();
  }, 60_000);

  /** Resolves once meta has noticed that the node is gone. */
  async function expired(node: ClusterNode): Promise<void> {
    const meta = cluster.of('meta')[0]!;
    const line = new RegExp(`member-departed.*"role":"${node.tier}".*"cause":"(expired|refused)"`, 'g');
    const before = (meta.log().match(line) ?? []).length;
    while ((meta.log().match(line) ?? []).length === before) await setTimeout(50);
  }

  it('loses nothing, leases included, when the only data server stays away for long', async () => {
    const leased = await http('POST', `${base}/v1/publishers`, { dataId: 'long', data: ['leased'], leaseMs: 60_000 });
    await sdk(1).publish({ dataId: 'long', data: ['connected'] });
    const watch = await Watch.open(base, 'dataId=long');
    await watch.until(() => watch.data.length === 2);
    const data = cluster.of('data')[0]!;
    const gone = expired(data);
    await data.kill('SIGKILL');
    await gone;
    // Each takes the whole write deadline of a second, so that the outage outlasts what a living leader may be silent.
    for (const value of ['during-1', 'during-2', 'during-3']) await sdk(0).publish({ dataId: 'long', data: [value] });
    expect(watch.data).toEqual(['connected', 'leased']);
    await data.start().ready();
    const all = ['connected', 'during-1', 'during-2', 'during-3', 'leased'].join();
    await watch.until(() => watch.data.join() === all && !watch.last!.partial);
    expect(Math.min(...watch.events.slice(1).map(({ datum }) => datum.publishers.length))).toBeGreaterThan(0);
    expect((await http('PUT', `${base}/v1/publishers/${leased.body.registerId}/lease`)).status).toBe(200);
    watch.close();
  }, 60_000);

  it('keeps a lease whose session server was killed before the data server was', async () => {
    const [first, second] = cluster.of('session');
    const other = `http://${second!.httpAddress}`;
    const leased = await http('POST', `${base}/v1/publishers`, { dataId: 'twice', data: ['leased'], leaseMs: 60_000 });
    const watch = await Watch.open(other, 'dataId=twice');
    await watch.until(() => watch.data.length === 1);
    const copies = async (): Promise<number> =>
      (await http('GET', `${other}/v1/publishers?dataId=twice&local=true`)).body.publishers.length;
    expect(await copies()).toBe(0);
    const gone = expired(first!);
    await first!.kill('SIGKILL');
    await gone;
    // The leader gives the copy that it has lost to the other; killed before that, it would take the last one with it.
    while ((await copies()) === 0) await setTimeout(20);
    const data = cluster.of('data')[0]!;
    await data.kill('SIGKILL');
    await data.start().ready();
    await first!.start().ready();
    const fresh = async () => (await http('GET', `${base}/v1/datums?dataId=twice`)).body;
    let datum = await fresh();
    while (datum.partial || datum.code) datum = await fresh();
    expect(datum.publishers).toHaveLength(1);
    expect(watch.data).toEqual(['leased']);
    expect((await http('PUT', `${base}/v1/publishers/${leased.body.registerId}/lease`)).status).toBe(200);
    watch.close();
  }, 60_000);

  it('keeps publishing and pushing while meta is away, and what is restarted meanwhile finds its way back', async () => {
    const watch = await Watch.open(base, 'dataId=meta-away');
    const publisher = await sdk(1).publish({ dataId: 'meta-away', data: ['1'] });
    await watch.until(() => watch.data.join() === '1');
    const meta = cluster.of('meta')[0]!;
    await meta.kill('SIGKILL');
    await publisher.republish(['2']);
    await watch.until(() => watch.data.join() === '2');
    await meta.start().ready();
    await publisher.republish(['3']);
    await watch.until(() => watch.data.join() === '3');
    watch.close();
  }, 60_000);

  it('moves clients to another session server when theirs is killed, and nobody sees them leave', async () => {
    const sessions = cluster.of('session');
    const seeds = sessions.map(({ rpcAddress }) => rpcAddress);
    const movers = Array.from({ length: 10 }, () => new RegistryClient({ seeds }));
    clients.push(...movers);
    for (const [index, mover] of movers.entries()) await mover.publish({ dataId: 'movers', data: [`${index}`] });
    const watch = await Watch.open(base, 'dataId=movers');
    await watch.until(() => watch.data.length === 10);
    const victim = sessions[1]!;
    await victim.kill('SIGKILL');
    await victim.start().ready();
    const late = await sdk(0).publish({ dataId: 'movers', data: ['late'] });
    await watch.until(() => watch.data.length === 11);
    await late.unpublish();
    await watch.until(() => watch.data.length === 10);
    expect(
      Math.min(
        ...watch.events
          .slice(watch.events.findIndex(({ datum }) => datum.publishers.length === 10))
          .map(({ datum }) => datum.publishers.length),
      ),
    ).toBe(10);
    watch.close();
  }, 60_000);
});
