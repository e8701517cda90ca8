import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RegistryClient } from '#client';
import { Cluster, type ClusterNode, portsFrom } from '../../scripts/lib/cluster.mjs';
import { Callers, EasyNote, until } from '../support/easy-note.js';
import { GO_TIMEOUT_MS, lacksGo, mustGo } from '../support/go.js';
import { http } from '../support/http.js';

const FOLDER = fileURLToPath(new URL('../../examples/kitex-easy-note', import.meta.url));

/** How the services reach the registry, and how long a caller may go on choosing an instance that is dead. */
interface Way {
  registry: 'etcd' | 'rollcall';
  leaseMs: number;
  /** How long a caller may not have heard of what the registry knows: with etcd, Kitex looks every five seconds. */
  lookMs: number;
}

const WAYS: Way[] = [
  { registry: 'etcd', leaseMs: 6_000, lookMs: 5_000 },
  { registry: 'rollcall', leaseMs: 3_000, lookMs: 0 },
];
/** For the machine, which may be busy. */
const SLACK_MS = 2_000;
const START_TIMEOUT_MS = 60_000;
const MAX_OUTAGE_MS = 5_000;

/** Real servers of Kitex, and a cluster of real processes: what either does is seen through calls alone. */
const why = lacksGo();
(why === undefined ? describe : describe.skip)(`easy_note on Kitex${why === undefined ? '' : ` (${why})`}`, () => {
  let folder: string;
  let binary: string;
  let cluster: Cluster;
  let sessions: ClusterNode[];
  let etcdAddresses: string[];
  let addresses: Record<Way['registry'], string>;
  let native: RegistryClient;
  const running: { end(signal: NodeJS.Signals): Promise<unknown> }[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-easynote-'));
    binary = join(folder, 'easynote');
    await mustGo(FOLDER, ['vet', './...']);
    await mustGo(FOLDER, ['build', '-o', binary, '.']);
    // A session server that starts again is where clients of etcd know it.
    const freePort = portsFrom(0);
    const ports = [await freePort(), await freePort()];
    const etcd = (port: number) => ({
      ROLLCALL_SESSION_ETCD_ENABLED: 'true',
      ROLLCALL_SESSION_ETCD_PORT: String(port),
    });
    const envOf = { 'session-1': etcd(ports[0]!), 'session-2': etcd(ports[1]!) };
    cluster = await Cluster.open({ dir: folder, meta: 3, data: 3, session: 2, basePort: 0, envOf });
    await cluster.start(START_TIMEOUT_MS);
    sessions = cluster.of('session');
    etcdAddresses = ports.map((port) => `127.0.0.1:${port}`);
    addresses = {
      etcd: etcdAddresses.join(','),
      rollcall: sessions.map(({ httpAddress }) => httpAddress).join(','),
    };
    native = new RegistryClient({ seeds: sessions.map(({ rpcAddress }) => rpcAddress) });
  }, GO_TIMEOUT_MS);

  afterEach(() => Promise.all(running.splice(0).map((each) => each.end('SIGKILL'))));

  afterAll(async () => {
    await native?.close();
    await cluster?.kill();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const start = (name: 'user' | 'note' | 'api', { registry, leaseMs }: Way): EasyNote => {
    const where = { registry, address: addresses[registry], records: join(folder, 'records') };
    const started = new EasyNote(binary, name, { ...where, lease: `${leaseMs}ms`, 'log-registry': 'true' });
    running.push(started);
    return started;
  };
  /** What native subscribers have been shown of a service, list by list, each with its addresses. */
  const watch = (dataId: string): string[][] => {
    const lists: string[][] = [];
    native.subscribe({ dataId }, ({ publishers }) =>
      lists.push(publishers.flatMap(({ data }) => data).map((endpoint) => new URL(endpoint).host)),
    );
    return lists;
  };
  const userOf = async (api: string): Promise<string> => {
    const { status, body } = await http('POST', `http://${api}/users`, { name: 'Ada' });
    expect(status).toBe(200);
    return (body as { id: string }).id;
  };

  it.each(WAYS)(
    'by $registry goes on while instances join, die and leave, and while session servers die',
    async (way) => {
      const [users, notes] = [watch('demouser'), watch('demonote')];
      const [user1, note1, api] = [start('user', way), start('note', way), start('api', way)];
      await Promise.all([user1, note1].map((each) => each.isUp()));
      const callers = new Callers(await api.isUp(), await userOf(api.address!));
      running.push(callers);
      await Promise.all([user1, note1].map((each) => callers.answeredBy(each.address!)));

      // Two that join are called without anybody being told of them.
      const [user2, note2] = [start('user', way), start('note', way)];
      const joined = await Promise.all([user2, note2].map((each) => each.isUp()));
      await Promise.all(joined.map((address) => callers.answeredBy(address)));
      expect(callers.failures).toEqual([]);

      // One is killed: whatever fails has been sent to it, and nothing is sent to it once its lease has ended.
      const killedAtMs = Date.now();
      await note1.end('SIGKILL');
      await until('its lease has ended', () => notes.at(-1)!.length === 1);
      const windowMs = way.leaseMs + way.lookMs + SLACK_MS;
      await setTimeout(Math.max(0, killedAtMs + windowMs - Date.now()));
      await callers.answeredBy(note2.address!, 100);
      for (const { why: text, atMs } of callers.failures) {
        expect(text).toContain(note1.address!);
        expect(atMs - killedAtMs).toBeLessThan(windowMs);
      }
      const failed = callers.failures.length;

      // One is stopped: it leaves first, so no call fails, neither then nor later.
      expect(await user1.end('SIGTERM')).toBe(0);
      await callers.answeredBy(user2.address!, 100);
      expect(users.at(-1)).toEqual([user2.address]);
      expect(callers.failures.slice(failed)).toEqual([]);

      // One session server dies and comes back, and then the other: each client has lost its connection at least once.
      const shown = [users.length, notes.length] as const;
      for (const [index, session] of sessions.entries()) {
        const connections = () => [user2, note2].map((each) => each.connectionsTo(etcdAddresses[index]!));
        await session.kill('SIGKILL');
        const diedAtMs = Date.now();
        // For longer than a lease, so that nothing is there that has not been kept alive through the other one.
        await until('both have renewed', () =>
          [user2, note2].every(({ renewals }) => renewals.at(-1)! > diedAtMs + way.leaseMs),
        );
        // Not earlier: who dies lets its clients connect once more at times, since its connections end before its port does.
        const before = connections();
        await session.start().ready(START_TIMEOUT_MS);
        // gRPC dials who has been gone more and more seldom, so clients of etcd need a while until both can be reached again.
        if (way.registry === 'etcd')
          await until('both have come back', () => connections().every((count, i) => count > before[i]!));
      }
      expect(users.slice(shown[0]).filter((list) => list.join() !== user2.address)).toEqual([]);
      expect(notes.slice(shown[1]).filter((list) => list.join() !== note2.address)).toEqual([]);
      expect(callers.failures.slice(failed)).toEqual([]);
      for (const { renewals } of [user2, note2])
        expect(longestGapMs(renewals) - way.leaseMs / 3).toBeLessThan(MAX_OUTAGE_MS);

      await callers.end();
      expect(await Promise.all([user2, note2, api].map((each) => each.end('SIGTERM')))).toEqual([0, 0, 0]);
      await until('all have left', () => users.at(-1)!.length === 0 && notes.at(-1)!.length === 0);
    },
    240_000,
  );

  it('finds by either way what has registered by the other', async () => {
    const [etcd, rollcall] = WAYS as [Way, Way];
    const [user, note] = [start('user', etcd), start('note', rollcall)];
    await Promise.all([user.isUp(), note.isUp()]);
    for (const way of WAYS) {
      const api = start('api', way);
      const made = { userId: await userOf(await api.isUp()), text: 'hello' };
      const { status, body } = await http('POST', `http://${api.address}/notes`, made);
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { servedBy: note.address, checkedBy: user.address },
      });
      expect(await api.end('SIGTERM')).toBe(0);
    }
    expect(await Promise.all([user, note].map((each) => each.end('SIGTERM')))).toEqual([0, 0]);
  }, 60_000);
});

function longestGapMs(times: number[]): number {
  return Math.max(...times.slice(1).map((time, index) => time - times[index]!));
}
