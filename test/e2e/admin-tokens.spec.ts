import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Cluster, type ClusterNode } from '../../scripts/lib/cluster.mjs';
import { type Answer, http } from '../support/http.js';
import { leaderOf } from '../support/raft.js';
import { ServerRun } from '../support/server-run.js';

const [OLD, NEW] = ['the-old-token-of-all', 'the-new-token-of-all'];

/** Real processes, whose logs are read. */
describe('admin tokens of a cluster', () => {
  let folder: string;
  let tokenFile: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-tokens-'));
    tokenFile = join(folder, 'admin.token');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('are asked for by whichever server, handed on between them, and replaced without a restart', async () => {
    await writeFile(tokenFile, OLD);
    const env = { ROLLCALL_ADMIN_TOKEN_FILE: tokenFile, ROLLCALL_LOG_LEVEL: 'debug' };
    const cluster = await Cluster.open({
      dir: join(folder, 'cluster'),
      meta: 3,
      data: 1,
      session: 1,
      basePort: 0,
      env,
    });
    await cluster.start();
    try {
      await leaderOf(cluster);
      const put = (node: ClusterNode, token?: string): Promise<Answer> =>
        http('PUT', `http://${node.httpAddress}/v1/config/motto`, { value: 'all are here' }, bearer(token));
      const statuses = (token?: string): Promise<number[]> =>
        Promise.all(cluster.of('meta').map(async (node) => (await put(node, token)).status));

      expect(await statuses()).toEqual([401, 401, 401]);
      expect(await statuses(NEW)).toEqual([401, 401, 401]);
      expect(await statuses(OLD)).toEqual([200, 200, 200]);
      // Whoever reads it while it is written finds the old one.
      await writeFile(tokenFile, `${OLD}\n${NEW}`);
      while ((await statuses(NEW)).join() !== '200,200,200') await setTimeout(50);
      expect(await statuses(OLD)).toEqual([200, 200, 200]);
      await writeFile(tokenFile, NEW);
      while ((await statuses(OLD)).join() !== '401,401,401') await setTimeout(50);
      expect(await statuses(NEW)).toEqual([200, 200, 200]);

      for (const node of cluster.nodes) {
        expect(node.log()).toContain('listening');
        for (const token of [OLD, NEW]) expect(node.log()).not.toContain(token);
      }
    } finally {
      await cluster.kill();
    }
  }, 120_000);

  it.each(['meta', 'data', 'session'] as const)('must be there for a %s server that others can reach', async (tier) => {
    const name = `ROLLCALL_${tier.toUpperCase()}`;
    const env = {
      [`${name}_HOST`]: '0.0.0.0',
      [`${name}_ADVERTISED_HOST`]: 'one.example',
      [`${name}_DATA_DIR`]: folder,
    };
    const run = new ServerRun(tier, env);
    expect(await run.ended).toBe(1);
    expect(run.output).toMatch(
      /^\w+: admin\.tokenFile must be given .*0\.0\.0\.0.*ROLLCALL_ADMIN_TOKEN_FILE.*\(INVALID_CONFIGURATION\)\n$/,
    );
  });

  it('are not told by a server that does not like one', async () => {
    const run = new ServerRun('session', { ROLLCALL_ADMIN_TOKEN: 'not good', ROLLCALL_SESSION_DATA_DIR: folder });
    expect(await run.ended).toBe(1);
    expect(run.output).toContain('admin.token must be a token of 16 to 512 characters');
    expect(run.output).not.toContain('not good');
  });
});

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}
