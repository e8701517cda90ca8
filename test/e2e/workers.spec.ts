import { setTimeout } from 'node:timers/promises';
import { type Publisher, RegistryClient, type Subscriber } from '#client';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import type { DrainStatus } from '#registry';
import { http } from '../support/http.js';

const CLIENTS = 40;
const WORKERS = 2;
const POLL_MS = 10;
const SERVICE = { dataId: 'shared' };

/** A real session server of two processes that share its ports. */
describe('a session server with workers', () => {
  let cluster: Cluster;
  const clients: RegistryClient[] = [];
  const publishers: Publisher[] = [];
  const subscribers: Subscriber[] = [];
  /** The fewest publishers that any subscriber was shown, from when all were shown all. */
  let fewest = Infinity;

  const session = (): ClusterNode => cluster.of('session')[0]!;
  const sizeOf = (subscriber: Subscriber): number => subscriber.current().publishers.length;

  async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await setTimeout(POLL_MS);
  }

  /** What the server has logged of the workers that serve, the latest of each number. */
  function workers(): { pid: number; address: string }[] {
    const serving = new Map<number, { pid: number; address: string }>();
    for (const line of session().log().split('\n'))
      if (line.includes('"worker-serves"')) {
        const { worker, pid, address } = JSON.parse(line) as { worker: number; pid: number; address: string };
        serving.set(worker, { pid, address });
      }
    return [...serving.values()];
  }

  /** The sum over all labels. */
  async function metric(name: string, address = session().httpAddress): Promise<number> {
    const text = await (await fetch(`http://${address}/metrics`)).text();
    const found = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))];
    return found.length === 0 ? NaN : found.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  const drain = async (method: string, address = session().httpAddress): Promise<DrainStatus> =>
    (await http(method, `http://${address}/v1/drain`)).body as DrainStatus;

  const members = async (): Promise<{ address: string; httpAddress: string }[]> => {
    const { body } = await http('GET', `http://${cluster.of('meta')[0]!.httpAddress}/v1/members`);
    return (body as { members: { role: string; address: string; httpAddress: string }[] }).members.filter(
      ({ role }) => role === 'session',
    );
  };

  beforeAll(async () => {
    const env = { ROLLCALL_CLUSTER_SLOT_COUNT: '16' };
    cluster = await startCluster({ meta: 1, data: 2, session: 1, workers: WORKERS, env });
    await until(async () => (await members()).length === WORKERS);
    for (let index = 0; index < CLIENTS; index++) {
      const client = new RegistryClient({ seeds: [session().rpcAddress] });
      clients.push(client);
      publishers.push(await client.publish({ ...SERVICE, data: [`tcp://${index}:0`] }));
      subscribers.push(client.subscribe(SERVICE));
    }
    await until(() => subscribers.every((subscriber) => sizeOf(subscriber) === CLIENTS));
    for (const subscriber of subscribers)
      subscriber.on('change', () => (fewest = Math.min(fewest, sizeOf(subscriber))));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close({ drain: false })));
    await endCluster(cluster);
  }, 60_000);

  it('is as many members, each with addresses of its own, and one to ask how many clients there are', async () => {
    const found = await members();
    expect(new Set(found.map(({ address }) => address)).size).toBe(WORKERS);
    expect(new Set(found.map(({ httpAddress }) => httpAddress)).size).toBe(WORKERS);
    expect(found.map(({ address }) => address).toSorted()).toEqual(
      workers()
        .map(({ address }) => address)
        .toSorted(),
    );
    expect(await metric('rollcall_workers')).toBe(WORKERS);
    expect(await metric('rollcall_client_connections')).toBe(CLIENTS);
  });

  it('is asked over its ports for all of them, and over those of one for that one, which says who it is', async () => {
    const found = await members();
    let sum = 0;
    const numbers = new Set<string | null>();
    for (const { httpAddress } of found) {
      expect(await metric('rollcall_workers', httpAddress)).toBe(1);
      const clientsThere = await metric('rollcall_client_connections', httpAddress);
      expect((await drain('GET', httpAddress)).clients).toBe(clientsThere);
      sum += clientsThere;
      const { status, headers } = await fetch(`http://${httpAddress}/health/ready`);
      expect(status).toBe(200);
      numbers.add(headers.get('rollcall-worker'));
    }
    expect(sum).toBe(CLIENTS);
    expect([...numbers].toSorted()).toEqual(['1', '2']);
    expect(await drain('GET')).toEqual({
      draining: false,
      clients: CLIENTS,
      untold: CLIENTS,
      elsewhere: 0,
      safeToStop: false,
    });
  });

  it('tells of the way of a publication through all of them', async () => {
    await publishers[2]!.republish(['tcp://2:1'], { trace: true });
    const { traceId } = publishers[2]!;
    const acked = async (): Promise<number> => {
      const { body } = await http('GET', `http://${session().httpAddress}/v1/traces/${traceId}`);
      const { sessions } = body as { sessions: { subscribers: { state: string }[] }[] };
      return sessions.flatMap(({ subscribers }) => subscribers).filter(({ state }) => state === 'acked').length;
    };
    await until(async () => (await acked()) >= CLIENTS);
    expect(await acked()).toBe(CLIENTS);
  });

  it('shows what came through one worker to the subscribers of all', async () => {
    await publishers[0]!.republish(['tcp://0:1']);
    const isNewest = (subscriber: Subscriber): boolean =>
      subscriber.current().publishers.some(({ data }) => data[0] === 'tcp://0:1');
    await until(() => subscribers.every(isNewest));
    expect(fewest).toBe(CLIENTS);
  });

  it('replaces a worker that is killed, while its clients go to the others and nobody sees anything of it', async () => {
    const lost = new Set<RegistryClient>();
    for (const client of clients) client.on('state', (state) => state === 'degraded' && lost.add(client));
    const [killed, other] = workers();
    const pushes = await metric('rollcall_pushes_total');
    process.kill(killed!.pid, 'SIGKILL');
    await until(() => lost.size > 0 && clients.every(({ status }) => status.state === 'ready'));
    // They were spread over both, and those of the other noticed nothing.
    expect(lost.size).toBeLessThan(CLIENTS);
    await until(async () => {
      const found = await members();
      return found.length === WORKERS && found.some(({ address }) => address === other!.address);
    });
    await until(async () => (await metric('rollcall_workers')) === WORKERS);
    expect(workers().map(({ pid }) => pid)).not.toContain(killed!.pid);
    await publishers[1]!.republish(['tcp://1:1']);
    const isNewest = (subscriber: Subscriber): boolean =>
      subscriber.current().publishers.some(({ data }) => data[0] === 'tcp://1:1');
    await until(() => subscribers.every(isNewest));
    expect(fewest).toBe(CLIENTS);
    // What the dead one had counted still counts, or it would look as if all had begun anew.
    expect(await metric('rollcall_pushes_total')).toBeGreaterThan(pushes);
  }, 60_000);

  it('sends the clients of one worker to the others when that one is drained, and cannot drain all where there is no other server', async () => {
    const [first, second] = await members();
    expect(await http('POST', `http://${session().httpAddress}/v1/drain`)).toMatchObject({
      status: 409,
      body: { code: 'NOT_DRAINABLE' },
    });
    expect(await drain('POST', first!.httpAddress)).toMatchObject({ draining: true, elsewhere: 1 });
    await until(async () => (await drain('GET', first!.httpAddress)).safeToStop);
    await until(async () => (await drain('GET', second!.httpAddress)).clients === CLIENTS);
    expect((await fetch(`http://${first!.httpAddress}/health/ready`)).status).toBe(503);
    expect((await fetch(`http://${session().httpAddress}/health/ready`)).status).toBe(200);
    expect(await drain('DELETE')).toMatchObject({ draining: false, clients: CLIENTS });
    expect(fewest).toBe(CLIENTS);
  }, 60_000);

  it('ends as one at SIGTERM, at once where there is no server beside it', async () => {
    const pids = workers().map(({ pid }) => pid);
    expect(await session().kill('SIGTERM')).toEqual({ code: 0, signal: null });
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(session().log()).not.toContain('"move"');
  }, 60_000);

  it('leaves no worker behind when its first process is killed', async () => {
    await session().start().ready();
    await until(() => workers().length === WORKERS);
    const pids = workers().map(({ pid }) => pid);
    const isGone = (pid: number): boolean => {
      try {
        return !process.kill(pid, 0);
      } catch {
        return true;
      }
    };
    expect(pids.some(isGone)).toBe(false);
    await session().kill('SIGKILL');
    await until(() => pids.every(isGone));
  }, 60_000);
});
