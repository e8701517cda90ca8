import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Cluster, type ClusterNode } from '../../scripts/lib/cluster.mjs';
import { http } from '../support/http.js';
import { meta } from '../support/offline.js';
import { leaderOf } from '../support/raft.js';
import { isWhole, tableOf } from '../support/table.js';
import { Watch } from '../support/watch.js';

const KEYS = 5;

/** Sets one configuration value after the other, through whichever server, as fast as they are taken. */
class Writing {
  /** Everything up to this number has been acknowledged, one number after the other. */
  acknowledged = 0;
  asked = 0;
  private runs = true;
  private readonly running: Promise<void>;

  constructor(private readonly metas: readonly ClusterNode[]) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.runs = false;
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.runs) {
      const number = ++this.asked;
      const node = this.metas[number % this.metas.length]!;
      const url = `http://${node.httpAddress}/v1/config/number-${number % KEYS}`;
      const headers = { 'idempotency-key': `write-${number}` };
      for (;;) {
        const { status } = await http('PUT', url, { value: String(number) }, headers);
        if (status === 200) break;
        await setTimeout(20);
      }
      this.acknowledged = number;
    }
  }
}

/** Real processes: the state of one cluster is backed up while it changes, and restored. */
describe('a backup of the meta state', () => {
  let folder: string;
  let cluster: Cluster;
  let file: string;
  let clusterId: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-backup-'));
    const env = { ROLLCALL_META_LIMITS_GATHER_MS: '5000' };
    cluster = await Cluster.open({ dir: join(folder, 'cluster'), meta: 3, data: 2, session: 1, basePort: 0, env });
    await cluster.start(90_000);
    file = join(folder, 'meta.backup');
    clusterId = (await state(cluster)).clusterId;
  }, 120_000);

  afterAll(async () => {
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const get = async (node: ClusterNode, path: string): Promise<Record<string, unknown>> => {
    const { status, body } = await http('GET', `http://${node.httpAddress}/v1/${path}`);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body as Record<string, unknown>;
  };

  /** What operators and servers find in a cluster, without the numbers that rise with time. */
  async function state(of: Cluster): Promise<{
    clusterId: string;
    incarnations: string[];
    switches: unknown;
    config: unknown;
    leaders: unknown[];
  }> {
    const { node } = await leaderOf(of);
    const members = await get(node, 'members');
    const { switches } = await get(node, 'switches');
    const { values } = (await get(node, 'config')) as { values: { key: string }[] };
    const config = await Promise.all(
      values.map(async ({ key }) => {
        const { value } = await get(node, `config/${key}`);
        return { key, value };
      }),
    );
    const { slots } = (await get(node, 'slots')) as { slots: { leader: unknown }[] };
    const incarnations = (members['members'] as { incarnation: string }[]).map(({ incarnation }) => incarnation);
    return {
      clusterId: members['clusterId'] as string,
      incarnations: incarnations.toSorted(),
      switches,
      config,
      leaders: slots.map(({ leader }) => leader),
    };
  }

  async function download(node: ClusterNode, query = ''): Promise<Buffer> {
    const response = await fetch(`http://${node.httpAddress}/v1/raft/backup${query}`);
    if (response.status !== 200) throw new Error(await response.text());
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('content-disposition')).toMatch(/filename="rollcall-[a-z0-9]+-\d+\.backup"/);
    return Buffer.from(await response.arrayBuffer());
  }

  async function verified(bytes: Buffer): Promise<Record<string, unknown>> {
    const path = join(folder, 'verified');
    await writeFile(path, bytes);
    const { code, output } = await meta('verify', '--backup', path, '--json');
    if (code !== 0) throw new Error(output);
    return JSON.parse(output) as Record<string, unknown>;
  }

  it('holds, on any server, everything that was acknowledged before it was asked for', async () => {
    const metas = cluster.of('meta');
    const writing = new Writing(metas);
    const sizes: number[] = [];
    try {
      for (let round = 0; round < 12; round++) {
        const before = writing.acknowledged;
        while (writing.acknowledged < before + 3) await setTimeout(5);
        const node = metas[round % 3]!;
        const acknowledged = writing.acknowledged;
        const bytes = await download(node);
        const { asked } = writing;
        // Whatever else it holds, in the text of the image stand the values.
        const values = [...bytes.toString('latin1').matchAll(/number-\d.value(?:\xa1|\xa2|\xa3|\xa4)(\d+)/g)];
        const highest = Math.max(...values.map(([, number]) => Number(number)));
        expect(highest).toBeGreaterThanOrEqual(acknowledged);
        expect(highest).toBeLessThanOrEqual(asked);
        expect(await verified(bytes)).toMatchObject({ clusterId, about: { server: node.rpcAddress, clusterId } });
        sizes.push(bytes.length);
      }
    } finally {
      await writing.stop();
    }
    expect(Math.min(...sizes)).toBeGreaterThan(1_000);
  }, 120_000);

  it('is refused where it cannot be had, and says why', async () => {
    const { node } = await leaderOf(cluster);
    expect(await http('GET', `http://${node.httpAddress}/v1/raft/backup?consistency=eventual`)).toMatchObject({
      status: 400,
      body: { code: 'BAD_REQUEST' },
    });
  });

  it('is not restored when it is damaged, nor into what is not empty, nor without a decision', async () => {
    const { node } = await leaderOf(cluster);
    await http('PUT', `http://${node.httpAddress}/v1/switches`, { stopPush: { scope: 'zones', zones: ['nowhere'] } });
    const bytes = await download(node);
    await writeFile(file, bytes);
    const damaged = join(folder, 'damaged');
    const dir = join(folder, 'refused');
    const server = `127.0.0.1:1=${dir}`;
    const restore = (backup: string, ...args: string[]) => meta('restore', '--backup', backup, ...args);
    const refused = (code: number, output: RegExp): object => ({ code, output: expect.stringMatching(output) });

    const flipped = Buffer.from(bytes);
    flipped[flipped.length >> 1]! ^= 4;
    for (const [content, message] of [
      [flipped, /checksum is wrong/],
      [bytes.subarray(0, -1), /bytes should follow its first line/],
      [Buffer.from('rollcall-backup 9 1 00000000\n'), /of format 9/],
      [Buffer.from('<html>'), /no backup of a meta group/],
    ] as const) {
      await writeFile(damaged, content);
      expect(await restore(damaged, '--server', server, '--new-cluster')).toMatchObject(refused(1, message));
    }
    expect(await restore(join(folder, 'none'), '--server', server, '--new-cluster')).toMatchObject(
      refused(1, /ENOENT/),
    );
    expect(await restore(file, '--server', server)).toMatchObject(refused(2, /Say which of the two/));
    expect(await restore(file, '--server', dir, '--new-cluster')).toMatchObject(refused(2, /an address and a folder/));
    expect(await restore(file, '--server', `nowhere=${dir}`, '--new-cluster')).toMatchObject(refused(1, /host:port/));
    expect(await restore(file, '--server', server, server, '--new-cluster')).toMatchObject(refused(1, /named twice/));
    expect(await restore(file, '--server', server, '--same-cluster', 'another')).toMatchObject(
      refused(1, new RegExp(`of the cluster ${clusterId}, not of another`)),
    );
    expect(await restore(file, '--server', server, '--same-cluster', clusterId)).toMatchObject(
      refused(1, /answers: a meta server of the cluster .* runs/),
    );
    expect(await restore(file, '--server', `127.0.0.1:1=${node.dataDir}`, '--new-cluster')).toMatchObject(
      refused(1, /is not empty/),
    );
    await mkdir(dir);
    await writeFile(join(dir, 'something'), '');
    expect(await restore(file, '--server', server, '--new-cluster')).toMatchObject(refused(1, /is not empty/));
  }, 60_000);

  it('becomes another cluster beside the one it was taken from', async () => {
    const clone = await Cluster.open({ dir: join(folder, 'clone'), meta: 3, data: 1, session: 1, basePort: 0 });
    const servers = clone.of('meta').map((node) => `${node.rpcAddress}=${node.dataDir}`);
    const { code, output } = await meta('restore', '--backup', file, '--server', ...servers, '--new-cluster');
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('Done: the cluster ') });
    try {
      await clone.start(90_000);
      const [ours, theirs] = await Promise.all([state(cluster), state(clone)]);
      expect(theirs).toMatchObject({ switches: ours.switches, config: ours.config });
      expect(theirs.clusterId).not.toBe(ours.clusterId);
      expect(theirs.incarnations).toHaveLength(2);
      expect(ours.incarnations).toHaveLength(3);
      expect(theirs.incarnations.filter((incarnation) => ours.incarnations.includes(incarnation))).toEqual([]);
      const body = { dataId: 'clone', data: ['here'], leaseMs: 600_000 };
      const answer = await http('POST', `http://${clone.node('session-1').httpAddress}/v1/publishers`, body);
      expect(answer).toMatchObject({ status: 201 });
    } finally {
      await clone.kill();
    }
  }, 120_000);

  it('is had from one server without a majority only as what may be stale', async () => {
    const { node: leader, status } = await leaderOf(cluster);
    const others = cluster.of('meta').filter((node) => node !== leader);
    await Promise.all(others.map((node) => node.kill('SIGKILL')));
    const url = `http://${leader.httpAddress}/v1/raft/backup`;
    let answer = await fetch(url);
    while (answer.status === 200) answer = await fetch(url);
    expect(answer.status).toBe(503);
    const stale = await verified(await download(leader, '?consistency=stale'));
    expect(stale).toMatchObject({ clusterId });
    expect(stale['index']).toBeGreaterThanOrEqual(status.commit);
    for (const node of others) node.start();
    await Promise.all(others.map((node) => node.ready()));
  }, 60_000);

  it('replaces all three servers by new ones at their addresses, and members go on as if nothing had been', async () => {
    const session = cluster.node('session-1');
    const body = { dataId: 'kept', registerId: 'kept', data: ['here'], leaseMs: 600_000 };
    expect(await http('POST', `http://${session.httpAddress}/v1/publishers`, body)).toMatchObject({ status: 201 });
    const watch = await Watch.open(`http://${session.httpAddress}`, 'dataId=kept');
    await watch.until(() => watch.data.join() === 'here');
    // What the planner still has under way would look like a difference.
    await tableOf(session, (table) => isWhole(table, 2));
    const before = await state(cluster);
    await writeFile(file, await download((await leaderOf(cluster)).node));
    const metas = cluster.of('meta');
    await Promise.all(metas.map((node) => node.kill('SIGKILL')));
    for (const { dataDir } of metas) await rename(dataDir, `${dataDir}.lost`);

    const servers = metas.map((node) => `${node.rpcAddress}=${node.dataDir}`);
    const restored = await meta('restore', '--backup', file, '--server', ...servers, '--same-cluster', clusterId);
    expect(restored).toMatchObject({ code: 0, output: expect.stringContaining(`Done: the cluster ${clusterId}`) });
    for (const node of metas) node.start();
    await Promise.all(metas.map((node) => node.ready()));
    const { status } = await leaderOf(cluster);
    const { era } = status.configuration;
    expect(restored.output).toContain(`era ${era}`);
    // The first table of the era may be followed by the next before anybody has looked.
    await tableOf(session, ({ epoch }) => epoch >= era!);
    expect(await state(cluster)).toEqual(before);
    expect(watch.events.map(({ datum }) => datum.publishers.length)).not.toContain(0);
    // Writes of all kinds go on, and a leader may be lost again.
    const { node: leader } = await leaderOf(cluster);
    await leader.kill('SIGKILL');
    const { node: next } = await leaderOf(cluster, status.term + 1);
    expect(await http('PUT', `http://${next.httpAddress}/v1/config/after`, { value: 'restored' })).toMatchObject({
      status: 200,
    });
    expect(await http('POST', `http://${session.httpAddress}/v1/publishers`, body)).toMatchObject({ status: 201 });
    watch.close();
  }, 120_000);
});
