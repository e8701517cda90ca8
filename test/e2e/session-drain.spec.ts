import { setTimeout } from 'node:timers/promises';
import { type Publisher, RegistryClient, RpcConnection, type Subscriber } from '#client';
import { PROTOCOL_VERSION } from '#model';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { http } from '../support/http.js';
import { Watch } from '../support/watch.js';

const CLIENTS = 120;
const SERVICES = 6;
const POLL_MS = 10;
const serviceOf = (index: number): { dataId: string } => ({ dataId: `service-${index % SERVICES}` });

/** Real processes: one of two session servers is stopped while its clients publish and watch. */
describe('a session server that is stopped', () => {
  let cluster: Cluster;
  const clients: RegistryClient[] = [];
  const publishers: Publisher[] = [];
  const subscribers: Subscriber[] = [];
  /** The fewest publishers that each subscriber was shown, from when it was shown all. */
  const fewest: number[] = [];
  const failures: unknown[] = [];

  beforeAll(async () => {
    // So few at a time that it takes some waves.
    const env = { ROLLCALL_CLUSTER_SLOT_COUNT: '16', ROLLCALL_SESSION_LIMITS_MOVES_PER_SECOND: '40' };
    cluster = await startCluster({ meta: 1, data: 2, session: 2, env });
    const seeds = cluster.of('session').map(({ rpcAddress }) => rpcAddress);
    for (let index = 0; index < CLIENTS; index++) {
      const client = new RegistryClient({ seeds });
      clients.push(client);
      publishers.push(await client.publish({ ...serviceOf(index), data: [`tcp://${index}:0`] }));
      subscribers.push(client.subscribe(serviceOf(index + 1)));
    }
    await until(() => subscribers.every((subscriber) => sizeOf(subscriber) === CLIENTS / SERVICES));
    for (const [index, subscriber] of subscribers.entries()) {
      fewest[index] = Infinity;
      subscriber.on('change', () => (fewest[index] = Math.min(fewest[index]!, sizeOf(subscriber))));
    }
  }, 60_000);

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close({ drain: false })));
    await endCluster(cluster);
  }, 60_000);

  const sizeOf = (subscriber: Subscriber): number => subscriber.current().publishers.length;

  async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await setTimeout(POLL_MS);
  }

  /** A client that does not follow when it is asked to go. */
  async function stay({ rpcAddress }: ClusterNode): Promise<RpcConnection> {
    const [host, port] = rpcAddress.split(':');
    const connection = await RpcConnection.connect({ host: host!, port: Number(port) });
    await new Promise<void>((resolve, reject) => {
      const [next, complete] = [() => resolve(), () => resolve()];
      connection.stream(
        'registry.hello',
        { protocol: PROTOCOL_VERSION, appName: 'stays' },
        { next, error: reject, complete },
      );
    });
    return connection;
  }

  const on = ({ rpcAddress }: ClusterNode): number =>
    clients.filter(({ status }) => status.state === 'ready' && status.server === rpcAddress).length;

  it('sends its clients to the other, and nobody sees or is told of anything but changes', async () => {
    const [leaving, staying] = cluster.of('session') as [ClusterNode, ClusterNode];
    const there = on(leaving);
    expect(there).toBeGreaterThan(0);
    let round = 0;
    const stopping = new AbortController();
    const { signal: stop } = stopping;
    const churn = (async () => {
      while (!stop.aborted) {
        round++;
        const republished = publishers.map((publisher, index) => publisher.republish([`tcp://${index}:${round}`]));
        await Promise.all(republished).catch((error: unknown) => failures.push(error));
        await setTimeout(POLL_MS);
      }
    })();
    await until(() => round > 3);

    // However soon all others are gone, the server waits for this one, so that it can be looked at.
    const lingering = await stay(leaving);
    const exited = leaving.kill('SIGTERM');
    const seen: { ready: number; drain: object; late: string }[] = [];
    await until(async () => {
      try {
        const ready = (await fetch(`http://${leaving.httpAddress}/health/ready`)).status;
        const { body: drain } = await http('GET', `http://${leaving.httpAddress}/v1/drain`);
        // Who comes late is turned away with what it takes to go elsewhere.
        const late = await Watch.open(`http://${leaving.httpAddress}`, 'dataId=late').then(
          () => 'served',
          (error: Error) => error.message,
        );
        seen.push({ ready, drain: drain as object, late });
        if (ready === 503) lingering.close();
        return false;
      } catch {
        // It does not listen any more.
        return true;
      }
    });
    expect(await exited).toEqual({ code: 0, signal: null });
    const during = seen.filter(({ ready }) => ready === 503);
    expect(during.length).toBeGreaterThan(0);
    expect(during[0]!.drain).toMatchObject({ draining: true, elsewhere: 1, safeToStop: false });
    expect(during[0]!.late).toMatch(/503.*SHUTTING_DOWN/);

    await until(() => on(staying) === CLIENTS);
    const at = round;
    await until(() => round > at + 3);
    stopping.abort();
    await churn;
    const isNewest = (subscriber: Subscriber): boolean =>
      subscriber.current().publishers.every(({ data }) => data[0]!.endsWith(`:${round}`));
    await until(() => subscribers.every(isNewest));
    expect(failures).toEqual([]);
    expect(Math.min(...fewest)).toBe(CLIENTS / SERVICES);
  }, 60_000);

  it('is not drained over HTTP where there is no other, and can be where there is, and back', async () => {
    const [leaving, staying] = cluster.of('session') as [ClusterNode, ClusterNode];
    const drainOf = (method: string): ReturnType<typeof http> => http(method, `http://${staying.httpAddress}/v1/drain`);
    expect(await drainOf('POST')).toMatchObject({ status: 409, body: { code: 'NOT_DRAINABLE' } });
    await leaving.start().ready();
    await until(async () => ((await drainOf('GET')).body as { elsewhere: number }).elsewhere === 1);
    expect(await drainOf('POST')).toMatchObject({ status: 200, body: { draining: true } });
    await until(async () => ((await drainOf('GET')).body as { safeToStop: boolean }).safeToStop);
    await until(() => on(leaving) === CLIENTS);
    expect(await drainOf('DELETE')).toMatchObject({ status: 200, body: { draining: false, clients: 0 } });
    const client = new RegistryClient({ seeds: [staying.rpcAddress] });
    clients.push(client);
    await client.query({ dataId: 'service-0' });
    await until(() => client.status.server === staying.rpcAddress);
    expect(Math.min(...fewest)).toBe(CLIENTS / SERVICES);
  }, 60_000);
});
