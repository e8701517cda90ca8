import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Cluster, ClusterNode, portsFrom } from '../../scripts/lib/cluster.mjs';
import { rollcall } from '../support/cli.js';
import { http } from '../support/http.js';

const HOOKS = `--import=${new URL('../support/hooks.mjs', import.meta.url).href}`;

interface Finding {
  severity: string;
  code: string;
  subject: string;
  what: string;
  advice: string;
}

/** Real processes with something wrong: the doctor finds it and says what to do, and finds nothing before and after. */
describe('rollcall doctor', () => {
  let folder: string;
  let cluster: Cluster;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-doctor-'));
    cluster = await Cluster.open({
      ...{ dir: folder, meta: 3, data: 2, session: 2, basePort: 0 },
      env: { NODE_OPTIONS: HOOKS, TEST_FORGETS: 'forgotten-' },
    });
    await cluster.start();
    await untilHealthy();
  }, 90_000);

  afterAll(async () => {
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const at = (name: string): string => cluster.node(name).httpAddress;

  async function cli(...args: string[]): Promise<{ code: number; out: string }> {
    const run = await rollcall(args, { env: { ROLLCALL_ADDRESS: at('meta-1') } });
    expect(run.err).not.toMatch(/rollcall:/);
    return run;
  }

  /** What is wrong, by code. */
  async function findings(): Promise<Map<string, Finding>> {
    const { code, out } = await cli('doctor', '--json', '--quiet');
    const report = JSON.parse(out) as { healthy: boolean; findings: Finding[] };
    expect(code).toBe(report.healthy ? 0 : 1);
    const wrong = report.findings.filter(({ severity }) => severity !== 'notice');
    expect(wrong.length > 0).toBe(!report.healthy);
    return new Map(wrong.map((finding) => [`${finding.code} ${finding.subject}`, finding]));
  }

  async function untilHealthy(): Promise<void> {
    while ((await cli('doctor', '--quiet')).code !== 0) await setTimeout(200);
  }

  const keys = (found: Map<string, Finding>): string[] => [...found.keys()].toSorted();

  it('finds nothing where nothing is wrong, and says so', async () => {
    expect((await cli('doctor')).out).toContain('7 servers asked: nothing is wrong');
  });

  it('finds a skewed clock', async () => {
    const freePort = portsFrom(0, cluster.nodes);
    const ports = { rpcPort: await freePort(), httpPort: await freePort() };
    const { dir, metaAddresses } = cluster;
    const env = { NODE_OPTIONS: HOOKS, TEST_CLOCK_SKEW_MS: '-90000' };
    const skewed = new ClusterNode({ name: 'session-9', tier: 'session', ...ports }, { dir, metaAddresses, env });
    try {
      await skewed.start().ready();
      const found = await findings();
      expect(keys(found)).toEqual([`clock-skew session ${skewed.rpcAddress}`]);
      expect([...found.values()][0]!.what).toMatch(/1 min 30 s behind/);
    } finally {
      await skewed.stop();
    }
    await untilHealthy();
  });

  it.each([
    ['rebalance-paused cluster', ['rebalance', 'pause'], ['rebalance', 'resume']],
    ['push-stopped cluster', ['switch', 'stop-push', 'zones', 'east'], ['switch', 'stop-push', 'none']],
    ['read-only cluster', ['switch', 'read-only', 'on'], ['switch', 'read-only', 'off']],
  ])('finds what operators have forgotten: %s', async (expected, set, undo) => {
    expect((await cli(...set)).code).toBe(0);
    const found = await findings();
    expect(keys(found)).toEqual([expected]);
    // The advice is the command that ends it.
    expect([...found.values()][0]!.advice).toContain(`rollcall ${undo.join(' ')}`);
    expect((await cli(...undo)).code).toBe(0);
    expect(keys(await findings())).toEqual([]);
  });

  it('finds replicas that differ, and takes none for it to which something is on its way', async () => {
    const publish = (dataId: string): Promise<unknown> =>
      http('POST', `http://${at('session-1')}/v1/publishers`, { dataId, data: ['x'], leaseMs: 600_000 });
    const ended = new AbortController();
    const publishing = (async () => {
      while (!ended.signal.aborted) {
        await Promise.all(['busy-1', 'busy-2', 'busy-3', 'busy-4'].map(publish));
        // So that a look can find both at the same: these take no comparison, which would prove it otherwise.
        await setTimeout(25);
      }
    })();
    try {
      expect(keys(await findings())).toEqual([]);
    } finally {
      ended.abort();
      await publishing;
    }
    await publish('forgotten-1');
    const { slot } = JSON.parse((await cli('get', 'forgotten-1', '--owners', '--json')).out) as { slot: number };
    expect(keys(await findings())).toEqual([`replicas-differ slots ${slot}`]);
    // A follower that begins anew gets what it lacks.
    for (const name of ['data-1', 'data-2']) {
      await cluster.node(name).stop();
      await cluster.node(name).start().ready();
      await untilHealthy();
    }
  }, 90_000);

  it('finds members that stand still or are gone', async () => {
    cluster.node('session-2').pause();
    const paused = await findings();
    expect(keys(paused)).toContain(`unreachable session ${cluster.node('session-2').rpcAddress}`);
    cluster.node('session-2').resume();
    await untilHealthy();

    const meta = cluster.node('meta-3');
    await meta.kill();
    // Where it led, another is elected first.
    const expected = ['quorum-at-risk meta', `unreachable meta ${meta.rpcAddress}`];
    let killed = await findings();
    while (keys(killed).join() !== expected.join()) killed = await findings();
    expect(killed.get(`unreachable meta ${meta.rpcAddress}`)!.what).toContain('refused');
    await meta.start().ready();
    await untilHealthy();
  }, 60_000);

  it('finds slots with too few replicas', async () => {
    await cluster.node('data-2').kill();
    const inAll = /^256 slots have fewer than 2/;
    let finding: Finding | undefined;
    // Those that it led are counted first: from the others it is taken once meta gives up waiting for it.
    while (!inAll.test(finding?.what ?? ''))
      finding = [...(await findings()).values()].find(({ code }) => code === 'under-replicated');
    expect(finding!.advice).toContain('start another');
    await cluster.node('data-2').start().ready();
    await untilHealthy();
  }, 60_000);
});
