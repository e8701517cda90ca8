import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryClient } from '#client';
import { Cluster, type ClusterNode } from '../../scripts/lib/cluster.mjs';
import { type CliOptions, type CliRun, rollcall } from '../support/cli.js';
import { joiningServer } from '../support/operator.js';

/** Real processes that an operator steers by the command alone. */
describe('rollcall steers', () => {
  let folder: string;
  let cluster: Cluster;
  let fourth: ClusterNode;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-steering-'));
    cluster = await Cluster.open({ dir: folder, meta: 3, data: 3, session: 2, basePort: 0 });
    fourth = await joiningServer(cluster, 'meta-4');
    await cluster.start();
  }, 60_000);

  afterAll(async () => {
    if (fourth.pid !== undefined) await fourth.kill();
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const rpc = (name: string): string => cluster.node(name).rpcAddress;
  const cli = (args: string, options: CliOptions = {}): Promise<CliRun> =>
    rollcall(args.split(' '), { env: { ROLLCALL_ADDRESS: cluster.node('session-1').httpAddress }, ...options });
  async function json(args: string): Promise<CliRun['json']> {
    const run = await cli(`${args} --json --quiet`);
    expect(run).toMatchObject({ code: 0, err: '' });
    return run.json;
  }

  it('the balance of the slots: waits until it is had, and pauses it', async () => {
    const run = await cli('rebalance run');
    expect(run).toMatchObject({ code: 0, out: expect.stringMatching(/balanced after/) });
    expect((await json('rebalance status')).offBalance).toEqual({ leads: 0, replicas: 0 });
    const { steps } = await json(`rebalance plan --drain ${rpc('data-3')} --limit 3`);
    expect(steps.count).toBeGreaterThan(100);
    expect(steps.listed).toHaveLength(3);
    expect((await cli(`rebalance plan --drain ${rpc('data-3')}`)).out).toMatch(/slot \d+: join/);
    await json('rebalance pause');
    expect((await cli('status')).out).toMatch(/rebalance +paused/);
    await json('rebalance resume');
    expect((await json('status')).rebalance.status).toBe('running');
  });

  it('drains of data servers, with progress until they are safe to stop', async () => {
    const run = await cli(`drain ${rpc('data-3')}`);
    expect(run).toMatchObject({ code: 0, out: `${rpc('data-3')} is safe to stop\n` });
    expect(run.err).toMatch(/leads \d+, follows \d+, joins \d+/);
    expect((await json(`slots --server ${rpc('data-3')}`)).slots).toEqual([]);
    expect((await cli('members')).out).toMatch(new RegExp(`${rpc('data-3')} .* drained `));
    expect(await cli(`drain ${rpc('data-2')}`)).toMatchObject({
      ...{ code: 1, err: expect.stringContaining('(NOT_DRAINABLE)') },
    });
    await json(`drain ${rpc('data-3')} --undo`);
    await json('rebalance run');
    expect((await json(`slots --server ${rpc('data-3')}`)).slots.length).toBeGreaterThan(100);
    for (const [server, reason] of [
      [rpc('meta-1'), 'raft remove'],
      ['nobody:1', 'rollcall members'],
    ])
      expect(await cli(`drain ${server}`)).toMatchObject({ code: 2, err: expect.stringContaining(reason!) });
  });

  it('drains of session servers', async () => {
    const client = new RegistryClient({ seeds: [rpc('session-2'), rpc('session-1')] });
    try {
      await client.publish({ dataId: 'drained', data: ['x'] });
      expect(await cli(`drain ${rpc('session-2')}`)).toMatchObject({ code: 0, out: expect.stringMatching(/is safe/) });
      expect((await json('get drained')).publishers).toHaveLength(1);
      await json(`drain ${rpc('session-2')} --undo`);
    } finally {
      await client.close({ drain: false });
    }
  });

  it('lists of clients, over all session servers', async () => {
    const options = (name: string): object => ({ seeds: [rpc(name)], appName: `app-of-${name}` });
    const clients = ['session-1', 'session-2'].map((name) => new RegistryClient(options(name) as { seeds: string[] }));
    try {
      await Promise.all(clients.map((client) => client.publish({ dataId: 'listed', data: ['x'] })));
      await Promise.all(clients.map((client) => client.subscribe({ dataId: 'listed' }).ready()));
      const publishers = (await json('publishers --data-id listed')).publishers as { session: string }[];
      expect(publishers.map(({ session }) => session).toSorted()).toEqual(
        [rpc('session-1'), rpc('session-2')].toSorted(),
      );
      expect((await json('subscribers --prefix list')).subscribers).toHaveLength(2);
      expect(await json('publishers --data-id listed --limit 1')).toMatchObject({ publishers: [{}], more: true });
      const named = (await json('datums --prefix listed')).datums;
      expect(named).toMatchObject([{ dataId: 'listed', publications: 2, complete: true }]);
      const { connections } = await json('connections');
      expect(connections.length).toBeGreaterThanOrEqual(2);
      expect((await cli('publishers --data-id listed')).out).toMatch(
        /listed +connected +127\.0\.0\.1:\d+ +127\.0\.0\.1 /,
      );
    } finally {
      await Promise.all(clients.map((client) => client.close({ drain: false })));
    }
    while ((await json('removals --data-id listed')).removals.length < 2);
    expect((await cli('removals --data-id listed')).out).toMatch(/listed +grace-expired +127\.0\.0\.1/);
  });

  it('tells the way of a publication', async () => {
    const { traceId } = await json('publish traced there --trace');
    const { out, code } = await cli(`trace ${traceId}`);
    expect(code).toBe(0);
    expect(out).toMatch(/accepted .* by /);
    expect(await cli('trace unknown')).toMatchObject({ code: 1, err: expect.stringContaining('(NOT_FOUND)') });
  });

  it('the group of the meta servers', async () => {
    expect((await json('raft status')).nodes).toHaveLength(3);
    fourth.start();
    expect(await cli(`raft add ${fourth.rpcAddress} --voter`)).toMatchObject({ code: 0 });
    const joined = await json('raft status');
    expect(joined.configuration.voters).toContain(fourth.rpcAddress);
    await json(`raft transfer ${fourth.rpcAddress}`);
    expect((await cli('raft status')).out).toMatch(new RegExp(`^${fourth.rpcAddress} +\\S+ +leader`, 'm'));
    expect((await json(`raft snapshot ${fourth.rpcAddress}`)).index).toBeGreaterThan(0);
    await json(`raft remove ${fourth.rpcAddress}`);
    expect((await json('raft status')).configuration.voters).toHaveLength(3);
    expect((await cli(`raft snapshot ${fourth.rpcAddress}`)).code).toBe(1);
    expect(await cli('raft promote nobody')).toMatchObject({ code: 1, err: expect.stringContaining('(BAD_REQUEST)') });
  });

  it('its backups, and what is done to the folders of servers that do not run', async () => {
    const file = join(folder, 'meta.backup');
    expect((await json(`raft backup ${file}`)).bytes).toBe((await stat(file)).size);
    const { clusterId } = await json('members');
    expect((await cli(`raft verify --backup ${file}`)).out).toContain(clusterId);
    expect((await cli(`raft verify --backup ${file} --json`)).json).toMatchObject({ clusterId });
    const server = `127.0.0.1:1=${join(folder, 'restored')}`;
    const unsure = await cli(`raft restore --backup ${file} --server ${server}`);
    expect(unsure).toMatchObject({ code: 2, err: expect.stringContaining('--same-cluster') });
    expect((await cli(`raft restore --backup ${file} --server ${server} --new-cluster`)).code).toBe(0);
    expect((await cli(`raft inspect --dir ${join(folder, 'restored')}`)).code).toBe(0);
    const running = await cli(`raft recover --dir ${cluster.node('meta-1').dataDir}`);
    expect(running).toMatchObject({ code: 1, err: expect.stringContaining('in use') });
    expect((await cli('raft restore --help')).out).toContain('rollcall raft restore');
  });
});
