import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../../scripts/lib/cluster.mjs';

const FOLDER = fileURLToPath(new URL('../../integrations/kitex', import.meta.url));
/** Kitex is fetched and compiled the first time. */
const TIMEOUT_MS = 900_000;
const LEAST_MINOR = 23;

/** Why it cannot be tested here; undefined where it can. */
function lacking(): string | undefined {
  const { error, stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  if (error) return 'Go is not installed';
  const minor = Number(/^go1\.(\d+)/.exec(stdout)?.[1]);
  return minor >= LEAST_MINOR ? undefined : `Go 1.${LEAST_MINOR} is needed, not ${stdout.trim()}`;
}

async function go(args: string[], env: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  const child = spawn('go', args, { cwd: FOLDER, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

const why = lacking();
(why === undefined ? describe : describe.skip)(`the extension for Kitex${why === undefined ? '' : ` (${why})`}`, () => {
  let folder: string;
  let cluster: Cluster;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-kitex-'));
    cluster = await Cluster.open({ dir: folder, meta: 1, data: 2, session: 2, basePort: 0 });
    await cluster.start();
  }, TIMEOUT_MS);

  afterAll(async () => {
    await cluster.kill();
    await rm(folder, { recursive: true, force: true });
  });

  it(
    'passes its own tests, of which some register and resolve here',
    async () => {
      const addresses = cluster.of('session').map(({ httpAddress }) => httpAddress);
      const vetted = await go(['vet', './...']);
      expect(vetted).toMatchObject({ code: 0 });
      const { code, output } = await go(['test', '-count=1', '-v', './...'], {
        ROLLCALL_ADDRESSES: addresses.join(','),
      });
      expect(output).toContain('--- PASS: TestLiveWhatRegistersIsFoundAndLeaves');
      expect(output).not.toMatch(/^\s*--- (FAIL|SKIP)/m);
      expect(code).toBe(0);
    },
    TIMEOUT_MS,
  );
});
