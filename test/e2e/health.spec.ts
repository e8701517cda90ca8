import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { type Answer, http } from '../support/http.js';

const POLL_MS = 10;
/** Long enough for what is done meanwhile, by far. */
const STOP_DELAY_MS = 3_000;
const UP = { status: 'up' };

describe('the health of real servers', () => {
  let cluster: Cluster;
  let client: RegistryClient;
  const [meta, data, session] = (['meta', 'data', 'session'] as const).map(
    (tier) => (): ClusterNode => cluster.of(tier)[0]!,
  );

  const health = (of: () => ClusterNode, probe: string): Promise<Answer> =>
    http('GET', `http://${of().httpAddress}/health/${probe}`);

  beforeAll(async () => {
    const delays = ['META', 'DATA', 'SESSION'].map((tier) => [`ROLLCALL_${tier}_STOP_DELAY_MS`, `${STOP_DELAY_MS}`]);
    const env = { ROLLCALL_CLUSTER_SLOT_COUNT: '16', ...(Object.fromEntries(delays) as Record<string, string>) };
    cluster = await startCluster({ meta: 1, data: 1, session: 1, env });
    client = new RegistryClient({ seeds: [session!().rpcAddress] });
  }, 60_000);

  afterAll(async () => {
    await client.close({ drain: false });
    await endCluster(cluster);
  }, 60_000);

  /** Of a server that has been told to stop, from when it says that it is not ready: what `used` finds still works. */
  async function stopping(of: () => ClusterNode, used: () => Promise<void>): Promise<void> {
    const exited = of().kill('SIGTERM');
    let ready = await health(of, 'ready');
    while (ready.status === 200) {
      await setTimeout(POLL_MS);
      ready = await health(of, 'ready');
    }
    expect(ready).toMatchObject({
      status: 503,
      body: {
        code: 'NOT_READY',
        message: 'Waiting for whoever uses it to see that it is about to stop.',
        details: { checks: { started: UP, staying: { status: 'down' } } },
      },
    });
    await used();
    expect([(await health(of, 'live')).status, (await health(of, 'startup')).status]).toEqual([200, 200]);
    expect((await health(of, 'ready')).status).toBe(503);
    expect(await exited).toEqual({ code: 0, signal: null });
  }

  async function newcomerPublishes(): Promise<void> {
    const newcomer = new RegistryClient({ seeds: [session!().rpcAddress] });
    const publisher = await newcomer.publish({ dataId: 'late', data: ['tcp://1:1'] });
    expect((await newcomer.query({ dataId: 'late' })).publishers).toHaveLength(1);
    await publisher.unpublish();
    await newcomer.close();
  }

  it('names what each needs to serve', async () => {
    expect((await health(meta!, 'ready')).body).toEqual({
      status: 'ok',
      checks: { started: UP, staying: UP, leader: UP, state: UP, members: UP },
    });
    expect((await health(data!, 'ready')).body).toEqual({
      status: 'ok',
      checks: { started: UP, staying: UP, membership: UP, table: UP, slots: UP },
    });
    expect((await health(session!, 'ready')).body).toEqual({
      status: 'ok',
      checks: { started: UP, staying: UP, admission: UP, table: UP, slots: UP },
    });
  });

  it('is not ready first, when a session server is stopped, while clients still come and are served', async () => {
    const publisher = await client.publish({ dataId: 'early', data: ['tcp://0:0'] });
    await stopping(session!, async () => {
      await publisher.republish(['tcp://0:1']);
      await newcomerPublishes();
      const found = await http('GET', `http://${session!().httpAddress}/v1/datums?dataId=early`);
      expect(found).toMatchObject({ status: 200, body: { publishers: [{ data: ['tcp://0:1'] }] } });
    });
  }, 60_000);

  it('is that of all workers, who stop together', async () => {
    cluster.workers = 2;
    await session!().start().ready();
    // Ready is one of which one worker is; here all are to be.
    const isSo = async (sample: string): Promise<boolean> =>
      (await http('GET', `http://${session!().httpAddress}/metrics`)).body.includes(`\n${sample}\n`);
    while (!((await isSo('rollcall_workers 2')) && (await isSo('rollcall_ready 1')))) await setTimeout(POLL_MS);
    await stopping(session!, newcomerPublishes);
    cluster.workers = 1;
    await session!().start().ready();
  }, 60_000);

  it('is not ready first, when a data server is stopped, while it still stores and shows', async () => {
    await stopping(data!, newcomerPublishes);
  }, 60_000);

  it('is not ready first, when a meta server is stopped, while it still commits', async () => {
    await stopping(meta!, async () => {
      const put = await http('POST', `http://${meta!().httpAddress}/v1/rebalance/pause`);
      expect(put.status).toBe(200);
    });
  }, 60_000);

  it('has started, whether or not there is a meta server', async () => {
    data!().start();
    let startup: Answer | undefined;
    while (startup?.status !== 200) {
      await setTimeout(POLL_MS);
      startup = await health(data!, 'startup').catch(() => undefined);
    }
    expect(startup.body).toEqual({ status: 'ok', checks: { started: UP } });
    expect(await data!().kill('SIGTERM')).toEqual({ code: 0, signal: null });
  }, 60_000);
});
