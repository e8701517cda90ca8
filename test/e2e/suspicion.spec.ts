import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { DepartedMember, Member } from '#model';
import type { Cluster, ClusterNode } from '../../scripts/lib/cluster.mjs';
import { endCluster, startCluster } from '../support/cluster.js';
import { http } from '../support/http.js';
import { Watch } from '../support/watch.js';
import { Witness } from '../support/witness.js';

/** Far longer than any test: whoever departs in less has not departed because its lease ended. */
const LEASE_MS = 300_000;

/** Real processes with leases that last longer than the test: what happens to a member, happens for another reason. */
describe('a server that others cannot reach', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    const env = {
      ROLLCALL_META_LIMITS_LEASE_MS: `${LEASE_MS}`,
      ROLLCALL_META_LIMITS_DEPARTED_MS: `${LEASE_MS}`,
      ROLLCALL_LOG_LEVEL: 'debug',
    };
    cluster = await startCluster({ meta: 1, data: 2, session: 3, env });
    await until(async () => (await leaders()).size === 2);
  }, 60_000);

  afterAll(async () => {
    await endCluster(cluster);
  }, 60_000);

  const get = async (path: string) =>
    (await http('GET', `http://${cluster.node('meta-1').httpAddress}/v1/${path}`)).body;
  const leaders = async (): Promise<Set<string>> => {
    const { slots } = (await get('slots')) as { slots: { leader: { incarnation: string } | null }[] };
    return new Set(slots.flatMap(({ leader }) => leader?.incarnation ?? []));
  };
  const leads = async (incarnation: string): Promise<boolean> => (await leaders()).has(incarnation);
  const incarnationOf = async ({ rpcAddress }: ClusterNode): Promise<string | undefined> =>
    ((await get('members')).members as Member[]).find(({ address }) => address === rpcAddress)?.incarnation;
  /** Why those departed who did not leave as planned. */
  const losses = async (): Promise<string[]> =>
    ((await get('members')).departed as DepartedMember[]).flatMap(({ cause }) => (cause === 'left' ? [] : [cause]));
  const metaLog = (): string => readFileSync(cluster.node('meta-1').logFile, 'utf8');

  async function until(condition: () => Promise<boolean>): Promise<void> {
    while (!(await condition())) await setTimeout(20);
  }

  /** Reports a member until meta has dialled it so often with this outcome. */
  async function probed(node: ClusterNode, found: string, times: number): Promise<void> {
    const incarnation = (await incarnationOf(node))!;
    const line = new RegExp(`"member-probed","incarnation":"${incarnation}".*"found":"${found}"`, 'g');
    const witness = await Witness.join(cluster.metaAddresses[0]!);
    while ((metaLog().match(line) ?? []).length < times) {
      witness.suspect(incarnation);
      await setTimeout(50);
    }
    await witness.leave();
  }

  it('is let be while it only stands still, however many report it', async () => {
    const data = cluster.node('data-2');
    data.pause();
    try {
      await probed(data, 'unreachable', 3);
    } finally {
      data.resume();
    }
    await probed(data, 'alive', 1);
    expect(await losses()).toEqual([]);
    expect(data.log()).not.toContain('"new-incarnation"');
  });

  it('is let be when it answers, a session server too', async () => {
    await probed(cluster.node('session-2'), 'alive', 2);
    await probed(cluster.node('data-1'), 'alive', 2);
    expect(await losses()).toEqual([]);
  });

  it('leads nothing while most session servers cannot reach it, and stays a member', async () => {
    const data = cluster.node('data-2');
    const incarnation = (await incarnationOf(data))!;
    const cutOff = await Promise.all(Array.from({ length: 5 }, () => Witness.join(cluster.metaAddresses[0]!)));
    await until(async () => {
      for (const witness of cutOff) witness.heartbeat([incarnation]);
      return !(await leads(incarnation));
    });
    for (const witness of cutOff) await witness.leave();
    expect(await incarnationOf(data)).toBe(incarnation);
    // Nobody says so any more; meta waits for some seconds whether that lasts.
    await until(() => leads(incarnation));
    expect(await losses()).toEqual([]);
    expect(data.log()).not.toContain('"new-incarnation"');
  }, 60_000);

  it('has its slots led by another at once when it was killed, and writes go on', async () => {
    const data = cluster.node('data-2');
    const base = `http://${cluster.of('session')[0]!.httpAddress}`;
    const dead = (await incarnationOf(data))!;
    expect(await leads(dead)).toBe(true);
    const watch = await Watch.open(base, 'dataId=name-0');
    await data.kill('SIGKILL');
    await until(async () => !(await leads(dead)));
    expect(await losses()).toEqual(['refused']);
    for (let name = 0; name < 20; name++) {
      const body = { dataId: `name-${name}`, data: ['here'], leaseMs: 600_000 };
      let answer = await http('POST', `${base}/v1/publishers`, body);
      while (answer.status === 503) answer = await http('POST', `${base}/v1/publishers`, body);
      expect(answer).toMatchObject({ status: 201, body: { state: 'stored' } });
    }
    await watch.until(() => watch.data.join() === 'here');
    watch.close();
  });

  it('is let go of at once when it was a session server', async () => {
    const session = cluster.node('session-3');
    await session.kill('SIGKILL');
    await until(async () => (await incarnationOf(session)) === undefined);
    expect(await losses()).toEqual(['refused', 'refused']);
  });

  it('is a member again, with slots to lead, when it has been started again', async () => {
    const data = cluster.node('data-2');
    await data.start().ready();
    const incarnation = (await incarnationOf(data))!;
    await until(() => leads(incarnation));
    expect(await losses()).toEqual(['refused', 'refused']);
  });
});
