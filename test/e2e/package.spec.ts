import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { portsFrom } from '../../scripts/lib/cluster.mjs';
import { Script } from '../support/script.js';

const run = promisify(execFile);
const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));

/** As a new user writes it, types included. */
const PROGRAM = `
import { CODES, RegistryClient, RegistryError, formatEndpoint, parseEndpoint } from '@rollcall/client';
import type { ClientStatus, Endpoint, SubscriberSnapshot } from '@rollcall/client';

const [seed, folder] = process.argv.slice(2) as [string, string];
const client = new RegistryClient({ seeds: [seed], appName: 'program', snapshot: { folder } });
client.on('state', (state: string, { since }: ClientStatus) => console.log(state, since instanceof Date));
const url: string = formatEndpoint({ protocol: 'tcp', host: '10.0.0.7', port: 4000, weight: 3 });
const publisher = await client.publish({ dataId: 'packed', data: [url] });
const subscriber = client.subscribe({ dataId: 'packed' });
const held: SubscriberSnapshot = await subscriber.ready();
const endpoint: Endpoint | undefined = parseEndpoint(held.publishers[0]!.data[0]!);
console.log(held.state, endpoint?.port, endpoint?.weight);
await publisher.unpublish();
for await (const { publishers } of subscriber) if (publishers.length === 0) break;
const refused: unknown = await client.publish({ dataId: '', data: [] }).catch((error: unknown) => error);
if (refused instanceof RegistryError) console.log(refused.code, refused.retry, CODES[refused.code].http);
await client.close();
// What is not part of the API is not there.
// @ts-expect-error
void client.host;
`;

describe('the package of the client', () => {
  let folder: string;
  let registry: Script | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-package-'));
  });

  afterAll(async () => {
    await registry?.end();
    await rm(folder, { recursive: true, force: true });
  });

  async function filesIn(path: string): Promise<string[]> {
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }

  it('works in an empty project, with types, against a running registry', async () => {
    const pack = new Script('pack-client.mjs', [folder], {});
    expect([await pack.exited, pack.output]).toEqual([0, expect.stringMatching(/rollcall-client-.*\.tgz\s*$/)]);
    const tarball = pack.output.trim().split('\n').at(-1)!;

    const project = join(folder, 'project');
    await mkdir(project);
    await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional'];
    await run('npm', ['install', tarball, ...flags], { cwd: project });

    const installed = join(project, 'node_modules', '@rollcall', 'client');
    const texts = await Promise.all(
      (await filesIn(join(installed, 'dist'))).map(async (path) => [path, await readFile(path, 'utf8')] as const),
    );
    expect(texts.length).toBeGreaterThan(20);
    // Nothing of servers, nothing that only the repository can resolve, and no test.
    expect(texts.filter(([, text]) => /['"]#[a-z]+['"]/.test(text)).map(([path]) => path)).toEqual([]);
    const strange = /(registry\/(meta|data|session)|sharding|consensus|spec|harness)/;
    expect(texts.map(([path]) => path.slice(installed.length)).filter((path) => strange.test(path))).toEqual([]);

    await writeFile(join(project, 'program.ts'), PROGRAM);
    const options = ['--strict', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck', 'false'];
    await run(process.execPath, [TSC, ...options, 'program.ts'], { cwd: project }).catch(
      (error: { stdout: string }) => {
        throw new Error(error.stdout);
      },
    );

    const nextPort = portsFrom(0);
    const env: Record<string, string> = {};
    for (const tier of ['META', 'DATA', 'SESSION']) {
      env[`ROLLCALL_${tier}_RPC_PORT`] = String(await nextPort());
      env[`ROLLCALL_${tier}_HTTP_PORT`] = String(await nextPort());
      env[`ROLLCALL_${tier}_DATA_DIR`] = join(folder, tier);
    }
    registry = new Script('start.mjs', [], env);
    await registry.prints('curl');
    const seed = `127.0.0.1:${env['ROLLCALL_SESSION_RPC_PORT']}`;
    const { stdout } = await run(process.execPath, ['program.js', seed, join(folder, 'snapshot')], { cwd: project });
    expect(stdout.trim().split('\n')).toEqual([
      'ready true',
      'current 4000 3',
      'INVALID_NAME never 400',
      'closed true',
    ]);
    expect(await readdir(join(folder, 'snapshot', 'program'))).toContain('servers');
  }, 180_000);
});
