import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RpcConnection } from '#client';
import { type Failure, PROTOCOL_VERSION, type RegistryError, VERSION } from '#model';
import { parseAddress } from '#nest';
import { Cluster, type ClusterNode } from '../../scripts/lib/cluster.mjs';
import { http } from '../support/http.js';
import { leaderOf, raftStatus } from '../support/raft.js';
import { ServerRun } from '../support/server-run.js';

/** Real processes: what is wrong is refused with a code and a sentence that says what to do, and nothing is changed. */
describe('what an operator should not do', () => {
  let folder: string;
  let cluster: Cluster;
  let other: Cluster;
  let meta: ClusterNode;
  let data: ClusterNode;
  let session: ClusterNode;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-bad-'));
    cluster = await Cluster.open({ dir: join(folder, 'one'), meta: 1, data: 1, session: 1, basePort: 0 });
    other = await Cluster.open({ dir: join(folder, 'other'), meta: 1, data: 1, session: 1, basePort: 0 });
    await cluster.start();
    await other.start();
    [meta, data, session] = [cluster.node('meta-1'), cluster.node('data-1'), cluster.node('session-1')];
    await leaderOf(cluster);
    await ask('PUT', meta, 'v1/config/motto', { value: 'all are here' });
  }, 60_000);

  afterAll(async () => {
    await Promise.all([cluster.kill(), other.kill()]);
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const ask = (method: string, node: ClusterNode, path: string, body?: unknown): ReturnType<typeof http> =>
    http(method, `http://${node.httpAddress}/${path}`, body);

  /** All that could be changed: who is in the cluster and in the group, what is drained, switched and set. */
  async function state(): Promise<object> {
    const paths = ['members', 'slots', 'switches', 'config', 'rebalance', 'protection'];
    const answers = await Promise.all(paths.map(async (path) => (await ask('GET', meta, `v1/${path}`)).body as object));
    return [...answers, (await raftStatus(meta))!.configuration, (await ask('GET', session, 'v1/drain')).body];
  }

  describe('asked of a cluster', () => {
    const rows: {
      what: string;
      of: () => ClusterNode;
      method: string;
      path: () => string;
      body?: object;
      expected: object;
    }[] = [
      {
        what: 'the last voter taken out of the group',
        of: () => meta,
        method: 'DELETE',
        path: () => `v1/raft/members/${meta.rpcAddress}`,
        expected: { status: 400, body: { code: 'BAD_REQUEST', message: expect.stringMatching(/is the last voter/) } },
      },
      {
        what: 'the last data server drained',
        of: () => meta,
        method: 'POST',
        path: () => `v1/members/${data.rpcAddress}/drain`,
        expected: { status: 409, body: { code: 'NOT_DRAINABLE', message: expect.stringMatching(/last data server/) } },
      },
      {
        what: 'the last data server drained, with fewer replicas',
        of: () => meta,
        method: 'POST',
        path: () => `v1/members/${data.rpcAddress}/drain`,
        body: { fewerReplicas: true },
        expected: { status: 409, body: { code: 'NOT_DRAINABLE', message: expect.stringMatching(/last data server/) } },
      },
      {
        what: 'the last session server drained',
        of: () => session,
        method: 'POST',
        path: () => 'v1/drain',
        expected: {
          status: 409,
          body: { code: 'NOT_DRAINABLE', message: expect.stringMatching(/no other session server/) },
        },
      },
      {
        what: 'a server drained that is none',
        of: () => meta,
        method: 'POST',
        path: () => 'v1/members/nobody:1/drain',
        expected: { status: 404, body: { code: 'NOT_FOUND', message: expect.stringMatching(/GET \/v1\/members/) } },
      },
      {
        what: 'a page of a million connections',
        of: () => session,
        method: 'GET',
        path: () => 'v1/connections?limit=1000000',
        expected: { status: 400, body: { code: 'BAD_REQUEST', message: expect.stringMatching(/limit/) } },
      },
      {
        what: 'a plan of a million steps',
        of: () => meta,
        method: 'GET',
        path: () => 'v1/rebalance/plan?limit=1000000',
        expected: { status: 400, body: { code: 'BAD_REQUEST', message: expect.stringMatching(/limit/) } },
      },
      {
        what: 'a switch that there is not',
        of: () => meta,
        method: 'PUT',
        path: () => 'v1/switches',
        body: { stopPsh: { scope: 'all' } },
        expected: { status: 400, body: { code: 'BAD_REQUEST', message: expect.stringMatching(/stopPsh/) } },
      },
      {
        what: 'a group led by a stranger',
        of: () => meta,
        method: 'POST',
        path: () => 'v1/raft/leader',
        body: { node: '127.0.0.1:1' },
        expected: { status: 400, body: { code: 'BAD_REQUEST', message: expect.stringMatching(/127\.0\.0\.1:1/) } },
      },
    ];

    it.each(rows)('$what', async ({ of, method, path, body, expected }) => {
      const before = await state();
      expect(await ask(method, of(), path(), body)).toMatchObject(expected);
      expect(await state()).toEqual(before);
    });
  });

  describe('at a start', () => {
    const settingsOf = ({ env }: ClusterNode, changes: Record<string, string>): Record<string, string> => ({
      ...(env as Record<string, string>),
      ...changes,
    });

    it('a setting that there is not', async () => {
      const run = new ServerRun('data', { ROLLCALL_DATA_ZOEN: 'east', ROLLCALL_DATA_DATA_DIR: join(folder, 'never') });
      expect(await run.ended).toBe(1);
      expect(run.output).toMatch(
        /ROLLCALL_DATA_ZOEN is not a setting; did you mean ROLLCALL_DATA_ZONE\?.*INVALID_CONFIGURATION/,
      );
      expect(existsSync(join(folder, 'never'))).toBe(false);
    });

    it.each(['meta', 'data', 'session'] as const)('two %s servers with one address', async (tier) => {
      const node = cluster.node(`${tier}-1`);
      const name = `ROLLCALL_${tier.toUpperCase()}`;
      const before = await state();
      const own = join(folder, `twin-${tier}`);
      const twin = new ServerRun(
        tier,
        settingsOf(node, {
          [`${name}_HOST`]: '127.0.0.2',
          [`${name}_ADVERTISED_HOST`]: '127.0.0.1',
          [`${name}_DATA_DIR`]: own,
        }),
      );
      expect(await twin.ended).toBe(1);
      expect(twin.output).toMatch(
        new RegExp(`to be reached at ${node.rpcAddress} .*another server answers there.*INVALID_CONFIGURATION`),
      );
      expect(existsSync(own)).toBe(false);
      expect(await state()).toEqual(before);
    });

    it('another number of slots than the cluster has', async () => {
      const before = await state();
      await meta.stop();
      const run = new ServerRun('meta', settingsOf(meta, { ROLLCALL_CLUSTER_SLOT_COUNT: '512' }));
      expect(await run.ended).toBe(1);
      expect(run.output).toMatch(
        /cluster\.slotCount is 512, .* made with 256 slots.*ROLLCALL_CLUSTER_SLOT_COUNT.*INVALID_CONFIGURATION/,
      );
      await meta.start().ready();
      await untilSettled(before);
    }, 60_000);

    it.each(['data', 'session'] as const)(
      'a %s server with the folder of another cluster',
      async (tier) => {
        const before = await state();
        const stranger = other.node(`${tier}-1`);
        await stranger.stop();
        const copy = join(folder, `copy-${tier}`);
        await cp(stranger.dataDir, copy, { recursive: true });
        const name = `ROLLCALL_${tier.toUpperCase()}`;
        const changes = {
          ROLLCALL_CLUSTER_META_ADDRESSES: meta.rpcAddress,
          [`${name}_DATA_DIR`]: copy,
          ROLLCALL_LOG_FORMAT: 'json',
        };
        const run = new ServerRun(tier, settingsOf(stranger, changes));
        try {
          const line = await run.logs('cluster-mismatch');
          expect(line).toMatchObject({
            level: 'error',
            code: 'CLUSTER_MISMATCH',
            meta: meta.rpcAddress,
            message: expect.stringMatching(/another cluster. Correct its address, or remove the data folder/),
          });
          expect(await ask('GET', stranger, 'health/ready')).toMatchObject({
            status: 503,
            body: { code: 'NOT_READY' },
          });
          expect(await state()).toEqual(before);
        } finally {
          await run.kill();
        }
      },
      60_000,
    );

    it('a meta server with the folder of another cluster, by those whose group it is told of', async () => {
      const before = await state();
      const connection = await connect(meta);
      try {
        const { clusterId } = (await ask('GET', other.node('meta-1'), 'v1/members')).body as { clusterId: string };
        const refused = await opened(connection, 'raft.open', { role: 'meta', clusterId });
        expect(refused).toMatchObject({ code: 'CLUSTER_MISMATCH', message: expect.stringContaining(clusterId) });
        expect(await state()).toEqual(before);
      } finally {
        connection.close();
      }
    });

    it('a version that is further away than one minor', async () => {
      const [major, minor] = VERSION.split('.').map(Number) as [number, number];
      const before = await state();
      for (const version of [`${major}.${minor + 2}.0`, `${major + 1}.0.0`]) {
        const groupMember = await connect(meta);
        const refused = await opened(groupMember, 'raft.open', { role: 'meta', version });
        expect(refused).toMatchObject({ code: 'UNSUPPORTED_VERSION', message: expect.stringContaining(version) });
        groupMember.close();
        const member = await connect(meta);
        expect(await joining(member, version)).toMatchObject({
          code: 'UNSUPPORTED_VERSION',
          message: expect.stringMatching(`of version ${version}, and the meta server that leads of version ${VERSION}`),
        });
        member.close();
      }
      expect(await state()).toEqual(before);
    });
  });

  /** After a restart of meta, tables are told anew. */
  async function untilSettled(expected: object): Promise<void> {
    while (JSON.stringify(withoutEpochs(await state())) !== JSON.stringify(withoutEpochs(expected)))
      await setTimeout(50);
  }
});

/** What counts up by itself. */
function withoutEpochs(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => (/epoch$/i.test(key) || key === 'term' ? undefined : inner)),
  );
}

function connect({ rpcAddress }: ClusterNode): Promise<RpcConnection> {
  return RpcConnection.connect(parseAddress(rpcAddress)!);
}

const SELF = { protocol: PROTOCOL_VERSION, incarnation: 'a-stranger' };

/** What a link that is opened with this hello is refused with. */
function opened(connection: RpcConnection, pattern: string, hello: object): Promise<RegistryError> {
  return new Promise((resolve, reject) => {
    connection.stream(
      pattern,
      { ...SELF, ...hello },
      {
        next: () => reject(new Error('The link was opened.')),
        error: resolve,
        complete: () => reject(new Error('The link was ended.')),
      },
    );
  });
}

/** What a data server of this version is refused with when it is about to join. */
function joining(connection: RpcConnection, version: string): Promise<Failure> {
  const { incarnation } = SELF;
  const place = { address: '127.0.0.1:1', httpAddress: '127.0.0.1:2', zone: 'DEFAULT_ZONE', weight: 1 };
  const member = { role: 'data', incarnation, ...place, featureLevel: 9 };
  return new Promise((resolve, reject) => {
    connection.stream(
      'link.open',
      { ...SELF, role: 'data', version },
      {
        next: (value) => {
          if (!Array.isArray(value)) return connection.emit('link.send', [{ kind: 'join', member }]);
          for (const { kind, failure } of value as { kind: string; failure?: Failure }[])
            if (kind === 'refused') resolve(failure!);
            else reject(new Error(`It was answered ${kind}.`));
        },
        error: reject,
        complete: () => reject(new Error('The link was ended.')),
      },
    );
  });
}
