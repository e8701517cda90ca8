import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, portsFrom } from '../../scripts/lib/cluster.mjs';
import { http } from '../support/http.js';
import { Script } from '../support/script.js';

const TIERS = ['META', 'DATA', 'SESSION'];

describe('the commands', () => {
  let folder: string;
  const scripts: Script[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-start-'));
  });

  afterEach(async () => {
    await Promise.all(scripts.splice(0).map((script) => script.end()));
    await rm(folder, { recursive: true, force: true });
  });

  function run(name: string, args: string[], env: Record<string, string>): Script {
    const script = new Script(name, args, env);
    scripts.push(script);
    return script;
  }

  /** Settings for one process of all tiers, on ports and in a folder of its own. */
  async function settings(): Promise<Record<string, string>> {
    const nextPort = portsFrom(0);
    const env: Record<string, string> = {};
    for (const tier of TIERS) {
      env[`ROLLCALL_${tier}_RPC_PORT`] = String(await nextPort());
      env[`ROLLCALL_${tier}_HTTP_PORT`] = String(await nextPort());
      env[`ROLLCALL_${tier}_DATA_DIR`] = join(folder, tier);
    }
    return env;
  }

  const portsOf = (env: Record<string, string>): number[] =>
    Object.keys(env)
      .filter((name) => name.endsWith('_PORT'))
      .map((name) => Number(env[name]));

  async function isListening(port: number): Promise<boolean> {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }

  const listening = async (env: Record<string, string>): Promise<number> =>
    (await Promise.all(portsOf(env).map(isListening))).filter(Boolean).length;

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'npm start serves, says where to look, and stops cleanly at a %s that arrives twice',
    async (signal) => {
      const env = await settings();
      const start = run('start.mjs', [], env);
      await start.prints('curl');
      for (const tier of TIERS) {
        const health = `http://127.0.0.1:${env[`ROLLCALL_${tier}_HTTP_PORT`]}/health`;
        expect(start.output).toContain(`${health}/ready`);
        expect((await http('GET', `${health}/ready`)).status).toBe(200);
        expect((await http('GET', `${health}/live`)).status).toBe(200);
      }
      expect(await listening(env)).toBe(6);
      start.signal(signal);
      start.signal(signal);
      expect(await start.exited).toBe(0);
      expect(await listening(env)).toBe(0);
    },
  );

  it('npm start says in one line what is wrong: a port in use, a folder in use, a wrong setting', async () => {
    const first = await settings();
    await run('start.mjs', [], first).prints('curl');
    const second = await settings();
    const folders = TIERS.map((tier) => [`ROLLCALL_${tier}_DATA_DIR`, join(folder, 'second', tier)] as const);
    const port = first['ROLLCALL_SESSION_HTTP_PORT']!;
    const file = join(folder, 'rollcall.yaml');
    await writeFile(file, 'session: { zoen: east }\n');
    const failures: [env: Record<string, string>, args: string[], line: RegExp][] = [
      [
        { ...second, ...Object.fromEntries(folders), ROLLCALL_SESSION_HTTP_PORT: port },
        [],
        new RegExp(`^rollcall: port ${port} on 127.0.0.1 is in use: .*ROLLCALL_SESSION_HTTP_PORT`),
      ],
      [second, [], /^rollcall: .*META.* in use by another process/],
      [second, ['--config', file], /^rollcall: session.zoen is not a setting; did you mean zone\?/],
    ];
    for (const [env, args, line] of failures) {
      const failing = run('start.mjs', args, { ...env, ROLLCALL_LOG_LEVEL: 'warn' });
      expect(await failing.exited).toBe(1);
      expect(failing.output).toMatch(line);
      expect(failing.output.trim().split('\n')).toHaveLength(1);
    }
  });

  it('npm run cluster starts real processes, and the same cluster again from its folder', async () => {
    const args = ['--dir', folder, '--base-port', String(await portsFrom(0)())];
    const first = run('cluster.mjs', [...args, '--data', '2', '--session', '1'], {});
    await first.prints('All serve');
    const { nodes } = await Cluster.open({ dir: folder });
    expect(nodes.map(({ name }) => name)).toEqual(['meta-1', 'data-1', 'data-2', 'session-1']);
    for (const node of nodes)
      for (const told of [node.name, node.rpcAddress, node.httpAddress]) expect(first.output).toContain(told);
    const datums = `http://${nodes.at(-1)!.httpAddress}/v1/datums?dataId=x`;
    const { clusterId } = (await http('GET', datums)).body as { clusterId: string };
    first.signal('SIGINT');
    first.signal('SIGINT');
    expect(await first.exited).toBe(0);

    const again = run('cluster.mjs', args, {});
    await again.prints('All serve');
    expect((await http('GET', datums)).body).toMatchObject({ clusterId });
    again.signal('SIGTERM');
    expect(await again.exited).toBe(0);
    expect(await Promise.all(nodes.map(({ rpcPort }) => isListening(rpcPort)))).not.toContain(true);
  }, 60_000);

  it('npm run cluster says when a server ends that nobody stopped, and lets the others go on', async () => {
    const cluster = run('cluster.mjs', ['--dir', folder, '--base-port', String(await portsFrom(0)())], {});
    await cluster.prints('All serve');
    const pid = Number(/^data-1 +(\d+)/m.exec(cluster.output)![1]);
    process.kill(pid, 'SIGKILL');
    await cluster.prints('data-1 ended unexpectedly (SIGKILL)');
    const { nodes } = await Cluster.open({ dir: folder });
    const running = await Promise.all(nodes.map(({ httpPort }) => isListening(httpPort)));
    expect(running.filter(Boolean)).toHaveLength(nodes.length - 1);
    cluster.signal('SIGINT');
    expect(await cluster.exited).toBe(0);
  }, 60_000);

  it.each([
    [['--meta', '2'], '--meta must be 1, 3 or 5'],
    [['--data', 'many'], '--data must be a whole number from 1 to 99, but is "many"'],
    [['--dta', '2'], "Unknown option '--dta'"],
  ])('npm run cluster refuses %j in one line', async (args, line) => {
    const cluster = run('cluster.mjs', args, {});
    expect(await cluster.exited).toBe(1);
    expect(cluster.output).toContain(line);
    expect(cluster.output.trim().split('\n')).toHaveLength(1);
  });
});
