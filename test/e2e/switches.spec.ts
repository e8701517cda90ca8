import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { type Answer, http } from '../support/http.js';
import { Watch } from '../support/watch.js';

const POLL_MS = 20;

/** Real processes: every switch is set, everything is killed and started again, and each is in force as it was. */
describe('all switches, across a restart of everything', () => {
  let cluster: Cluster;
  let session: ClusterNode;
  let base: string;
  let client: RegistryClient;

  beforeAll(async () => {
    cluster = await startCluster({ meta: 3, data: 2, session: 1 });
    session = cluster.node('session-1');
    base = `http://${session.httpAddress}`;
    client = new RegistryClient({ seeds: [session.rpcAddress] });
  }, 60_000);

  afterAll(async () => {
    await client.close({ drain: false });
    await endCluster(cluster);
  }, 60_000);

  /** As soon as every server is known to support it. */
  async function switchTo(changes: object): Promise<void> {
    const url = `http://${cluster.of('meta')[0]!.httpAddress}/v1/switches`;
    let answer = await http('PUT', url, changes);
    for (; answer.body.code === 'UNSUPPORTED_LEVEL'; answer = await http('PUT', url, changes))
      await setTimeout(POLL_MS);
    expect(answer).toMatchObject({ status: 200, body: { changed: true } });
  }

  const publish = (dataId: string, registerId: string, fields: object = {}): Promise<Answer> =>
    http('POST', `${base}/v1/publishers`, { dataId, registerId, data: [registerId], ...fields });

  /** Also while few replicas are there to have it on disk. */
  async function persist(dataId: string, registerId: string): Promise<string> {
    for (;;) {
      const { status, body } = await publish(dataId, registerId, { persistent: true });
      if (status === 201) return body.registerId;
      expect(status).toBe(503);
      await setTimeout(POLL_MS);
    }
  }

  async function listed(dataId: string): Promise<string> {
    const { body } = await http('GET', `${base}/v1/datums?dataId=${dataId}`);
    const publishers: { data: string[] }[] = body.publishers ?? [{ data: [body.code] }];
    const data = publishers.flatMap((publisher) => publisher.data);
    return data.toSorted().join();
  }

  async function untilListed(dataId: string, expected: string): Promise<void> {
    while ((await listed(dataId)) !== expected) await setTimeout(POLL_MS);
  }

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${base}/metrics`)).text();
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  }

  async function refused(dataId: string, status: number, code: string): Promise<void> {
    let answer = await publish(dataId, 'refused', { leaseMs: 1_000 });
    // What is taken before the session server has heard of the switch, or can reach a leader, says nothing of it.
    while (answer.body.code !== code) {
      await setTimeout(POLL_MS);
      answer = await publish(dataId, 'refused', { leaseMs: 1_000 });
    }
    expect(answer.status).toBe(status);
  }

  it('are in force as before, each for itself, and over when they are switched back', async () => {
    const disabled = await persist('service', 'disabled');
    for (const registerId of ['a', 'b']) await persist('service', registerId);
    await persist('black', 'x');
    await client.publish({ dataId: 'service', data: ['client'] });
    await untilListed('service', 'a,b,client,disabled');

    const switches = {
      stopPush: { scope: 'gray', addresses: ['10.9.9.9'] },
      readOnly: true,
      clientsOff: ['127.0.0.1'],
      publicationsOff: [{ dataInfoId: 'service#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP', registerId: disabled }],
      blacklist: ['black'],
      pushWindow: { minMs: 5_000 },
    };
    await switchTo(switches);
    await untilListed('service', 'a,b');
    await untilListed('black', '');

    await cluster.kill();
    for (const node of cluster.nodes) node.start();
    await Promise.all(cluster.nodes.map((node) => node.ready()));
    for (const node of cluster.of('meta'))
      expect((await http('GET', `http://${node.httpAddress}/v1/switches`)).body).toEqual({ version: 1, switches });

    // The client has come back, and is held where nobody sees it.
    while ((await metric('rollcall_publishers_withdrawn')) !== 1) await setTimeout(POLL_MS);
    await untilListed('service', 'a,b');
    await untilListed('black', '');
    await refused('service', 503, 'READ_ONLY');
    const watch = await Watch.open(base, 'dataId=service');
    await watch.until(({ comments }) => comments.includes('pending'));

    // One after the other, back: pushes first, to the addresses listed and then to all.
    await switchTo({ stopPush: { scope: 'gray', addresses: ['127.0.0.1'] } });
    await watch.until(({ data }) => data.join() === 'a,b');
    await switchTo({ stopPush: { scope: 'none' }, readOnly: false });
    await refused('black', 403, 'BLACKLISTED');
    await switchTo({ clientsOff: [] });
    await untilListed('service', 'a,b,client');
    await switchTo({ publicationsOff: [] });
    await untilListed('service', 'a,b,client,disabled');
    await switchTo({ blacklist: [] });
    await untilListed('black', 'x');

    // What follows a push within the window comes together.
    const merged = await Watch.open(base, 'dataId=merged');
    await merged.until(({ events }) => events.length === 1);
    for (const registerId of ['first', 'second', 'third']) await publish('merged', registerId, { leaseMs: 60_000 });
    await merged.until(({ data }) => data.join() === 'first,second,third');
    expect(merged.events.map(({ datum }) => datum.publishers.length)).not.toContain(2);
    await switchTo({ pushWindow: {} });
    expect((await publish('black', 'y', { leaseMs: 60_000 })).status).toBe(201);
    await watch.until(({ data }) => data.join() === 'a,b,client,disabled');
    for (const each of [watch, merged]) each.close();
  }, 120_000);
});
