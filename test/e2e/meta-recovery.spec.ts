import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RegistryClient } from '#client';
import type { RoutingTable } from '#model';
import { Cluster, ClusterNode, portsFrom } from '../../scripts/lib/cluster.mjs';
import { http } from '../support/http.js';
import { meta } from '../support/offline.js';
import { Operator, joiningServer } from '../support/operator.js';
import { Publishing } from '../support/publishing.js';
import { leaderOf, raftStatus } from '../support/raft.js';
import { Script } from '../support/script.js';
import { tableOf } from '../support/table.js';
import { Watch } from '../support/watch.js';

const GATHER_MS = 5_000;

/** Real processes: of three meta servers two are gone for good, and the one that is left lacks the latest. */
describe('a lost quorum', () => {
  let folder: string;
  let cluster: Cluster;
  let client: RegistryClient;
  let late: RegistryClient;
  let publishing: Publishing;
  let watch: Watch;
  let survivor: ClusterNode;
  let lost: ClusterNode[];
  let third: ClusterNode;
  let clusterId: string;
  let operator: Operator;
  let of: { dir: string; metaAddresses: readonly string[] };
  const started: ClusterNode[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-recovery-'));
    const env = { ROLLCALL_META_LIMITS_GATHER_MS: String(GATHER_MS) };
    cluster = await Cluster.open({ dir: folder, meta: 3, data: 2, session: 2, basePort: 0, env });
    of = { dir: cluster.dir, metaAddresses: cluster.metaAddresses };
    await cluster.start(90_000);
    const [first, second] = cluster.of('session');
    client = new RegistryClient({ seeds: [first!.rpcAddress] });
    const base = `http://${second!.httpAddress}`;
    watch = await Watch.open(base, 'dataId=lived-through');
    publishing = new Publishing(client, base, 'lived-through', true);
    await publishing.more(10);
  }, 120_000);

  afterAll(async () => {
    await publishing?.stop();
    watch?.close();
    await client?.close({ drain: false });
    await late?.close({ drain: false });
    await Promise.all(started.filter(({ pid }) => pid !== undefined).map((node) => node.kill()));
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
  }, 120_000);

  /** The table that a data or session server has saved. */
  function savedTable(node: ClusterNode): RoutingTable {
    const [, table] = readFileSync(join(node.dataDir, 'table.json'), 'utf8').split('\n');
    return JSON.parse(table!) as RoutingTable;
  }

  const members = (): ClusterNode[] => [...cluster.of('data'), ...cluster.of('session'), third];

  it('leaves one that lacks what the others had acknowledged', async () => {
    const { node: leader } = await leaderOf(cluster);
    [survivor] = cluster.of('meta').filter((node) => node !== leader) as [ClusterNode];
    lost = cluster.of('meta').filter((node) => node !== survivor);
    // Not paused: what it is sent would wait in its sockets.
    await survivor.kill('SIGKILL');
    // A third session server joins, and a client publishes through it: of both the survivor never hears.
    const freePort = portsFrom(0, cluster.nodes);
    const ports = { rpcPort: await freePort(), httpPort: await freePort() };
    third = new ClusterNode({ name: 'session-3', tier: 'session', ...ports }, { ...of, env: {} });
    started.push(third);
    await third.start().ready();
    late = new RegistryClient({ seeds: [third.rpcAddress] });
    await late.publish({ dataId: 'lived-through', data: ['late'] });
    publishing.published.push('late');
    await watch.until(() => watch.data.includes('late'));
    await Promise.all(lost.map((node) => node.kill('SIGKILL')));
    survivor.start();
    while (!(await raftStatus(survivor))) await setTimeout(20);
    clusterId = (await tableOf(third, () => true)).clusterId;
    let health = await http('GET', `http://${survivor.httpAddress}/health/ready`);
    while (health.status === 200) health = await http('GET', `http://${survivor.httpAddress}/health/ready`);
    await publishing.more(20);
  }, 120_000);

  it('is not recovered while the server runs, nor while another answers, nor without a word', async () => {
    const recover = (...args: string[]) => meta('recover', '--dir', survivor.dataDir, ...args);
    expect(await recover('--confirm-others-are-gone', clusterId)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/in use by another process/),
    });
    expect(await survivor.stop()).toMatchObject({ code: 0 });

    const asked = await recover();
    expect(asked.code).toBe(2);
    expect(asked.output).toContain(`server      ${survivor.rpcAddress}`);
    expect(asked.output).toContain(`cluster     ${clusterId}`);
    for (const { rpcAddress } of lost) expect(asked.output).toMatch(new RegExp(`${rpcAddress} +does not answer`));
    expect(asked.output).toContain(`--confirm-others-are-gone ${clusterId}`);

    expect(await recover('--confirm-others-are-gone', 'another')).toMatchObject({
      code: 1,
      output: expect.stringContaining(`The cluster of this folder is ${clusterId}`),
    });
    const [other] = lost as [ClusterNode];
    other.start();
    while (!(await raftStatus(other))) await setTimeout(20);
    expect(await recover('--confirm-others-are-gone', clusterId)).toMatchObject({
      code: 1,
      output: expect.stringContaining(`${other.rpcAddress} answers, so it is not gone.`),
    });
    await other.kill('SIGKILL');
    // Nothing of all that has changed anything.
    const inspected = JSON.parse((await meta('inspect', '--dir', survivor.dataDir, '--json')).output) as object;
    expect(inspected).toMatchObject({ id: survivor.rpcAddress, clusterId, era: 0, sessionServers: 2, dataServers: 2 });
    expect(await readdir(dirname(survivor.dataDir))).not.toContainEqual(expect.stringContaining('before-recovery'));
  }, 120_000);

  it('is recovered by the one that is left, and nobody misses anybody', async () => {
    const incarnations = (): string[] =>
      members().map(
        ({ rpcAddress }) => savedTable(third).members.find(({ address }) => address === rpcAddress)!.incarnation,
      );
    const before = { incarnations: incarnations(), epoch: savedTable(third).epoch };
    const args = ['recover', '--dir', survivor.dataDir, '--confirm-others-are-gone', clusterId];
    const done = new Script('meta.mjs', args, {});
    expect(await done.exited).toBe(0);
    expect(done.output).toMatch(/Done: a group of one, in era \d+/);
    const copy = /The folder as it was is (.*)\.$/m.exec(done.output)![1]!;
    expect(basename(copy)).toMatch(/^meta-\d\.before-recovery-\d{8}T\d{6}Z$/);
    expect(existsSync(join(copy, 'node.json'))).toBe(true);
    // With the settings that it had.
    await survivor.start().ready();
    expect(await raftStatus(survivor)).toMatchObject({
      role: 'leader',
      configuration: { voters: [survivor.rpcAddress] },
    });
    const { era } = (await raftStatus(survivor))!.configuration;
    for (const node of members()) while (savedTable(node).epoch < era!) await setTimeout(20);
    expect(savedTable(third)).toMatchObject({ clusterId, departed: [] });
    expect(incarnations()).toEqual(before.incarnations);
    expect(before.epoch).toBeLessThan(era!);
    for (const { leaderEpoch } of savedTable(third).slots) expect(leaderEpoch).toBe(era);
    await publishing.more(20);
  }, 120_000);

  it('is not disturbed by those who come back with what they had, alone or together', async () => {
    const { term } = (await raftStatus(survivor))!;
    const [first, second] = lost as [ClusterNode, ClusterNode];
    const superseded =
      /^meta: The meta group of this cluster was recovered or restored without this server.*\(SUPERSEDED\)$/;
    first.start();
    expect(await first.exited).toEqual({ code: 1, signal: null });
    expect(first.lastWords()).toMatch(superseded);
    first.start();
    second.start();
    expect(await Promise.all([first.exited, second.exited])).toEqual([
      { code: 1, signal: null },
      { code: 1, signal: null },
    ]);
    for (const node of lost) expect(node.lastWords()).toMatch(superseded);
    expect(await raftStatus(survivor)).toMatchObject({ role: 'leader', term });
    await publishing.more(10);
  }, 120_000);

  it('grows to three again: at an address that one of the lost had, with an empty folder, and at a new one', async () => {
    operator = new Operator([survivor]);
    const [first] = lost as [ClusterNode];
    await cp(first.dataDir, `${first.dataDir}.old`, { recursive: true });
    await rm(first.dataDir, { recursive: true });
    const { name, rpcPort, httpPort } = first;
    const env = { ROLLCALL_META_JOIN: 'true' };
    const again = new ClusterNode({ name, tier: 'meta', rpcPort, httpPort }, { ...of, env });
    const fresh = await joiningServer(cluster, 'meta-4', [third]);
    started.push(again, fresh);
    await operator.bring(again);
    await operator.bring(fresh);
    const statuses = await Promise.all(operator.members.map(raftStatus));
    expect(new Set(statuses.map((status) => status!.configuration.era)).size).toBe(1);
    // One of them may fail again.
    await survivor.kill('SIGKILL');
    operator.members = [again, fresh];
    await operator.all(({ leader }) => leader === again.rpcAddress || leader === fresh.rpcAddress);
    await survivor.start().ready();
    await publishing.more(20);
  }, 120_000);

  it('has cost no publication, at any time, in the eyes of a watcher', async () => {
    await publishing.stop();
    expect(publishing.failures).toEqual([]);
    const published = new Set(publishing.published);
    await watch.until(() => watch.data.every((each) => published.has(each)) && watch.data.length >= published.size);
    expect(watch.data).toEqual([...published].toSorted());
    const sizes = watch.events.map(({ datum }) => datum.publishers.length);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    for (const node of members()) expect(readFileSync(node.logFile, 'utf8')).not.toContain('"new-incarnation"');
  });
});
