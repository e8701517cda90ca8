import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { portsFrom } from '../../scripts/lib/cluster.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The ports of the document are the 30 from here. */
const DOCUMENTED = 9_700;
const PORTS = 30;

/** docs/operations.md is what an operator does; here it is done, on other ports. */
describe('docs/operations.md', () => {
  let folder: string;
  let shell: ChildProcess | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-operations-'));
  });

  afterAll(async () => {
    shell?.kill('SIGKILL');
    for (const pid of pids(join(folder, 'data/operations'))) kill(pid);
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  it('is a transcript that works, command by command', async () => {
    // A checkout of its own as far as it is written to.
    for (const name of ['scripts', 'dist', 'node_modules', 'package.json', 'apps'])
      await symlink(join(ROOT, name), join(folder, name));
    const base = await freePorts();
    const commands = blocks(readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')).map((block) =>
      block.replaceAll(/\b97[0-2]\d\b/g, (port) => String(base + Number(port) - DOCUMENTED)),
    );
    expect(commands.length).toBeGreaterThan(10);
    // As npx does, without the second that it takes each time.
    const npx = `npx() { shift; node ${join(ROOT, 'scripts/rollcall.mjs')} "$@"; }`;
    const script = ['set -eu', npx, ...commands.map((block) => `${block}\necho "== done"`)].join('\n');
    const { code, said } = await run(script);
    if (code !== 0) throw new Error(`It ended with ${code}:\n${said.slice(-3_000)}`);
    expect(said.match(/^== done$/gm)).toHaveLength(commands.length);
    const told = (pattern: RegExp): number => [...said.matchAll(pattern)].length;
    expect(told(/servers asked: nothing is wrong/g)).toBe(4);
    expect(told(/http:\/\/10\.0\.0\.7:80\?weight=10/g)).toBe(3);
    expect(said).toMatch(/balanced after/);
    expect(said).toMatch(/is safe to stop/);
    expect(said).toMatch(/quorum-at-risk/);
    expect(said).toMatch(/is a voter/);
    expect(said).toMatch(/8 servers restarted in/);
    for (const pid of pids(join(folder, 'data/operations'))) expect(isRunning(pid)).toBe(false);
  }, 300_000);

  async function run(script: string): Promise<{ code: number | null; said: string }> {
    shell = spawn('bash', ['-c', script], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [shell.stdout!, shell.stderr!])
      stream.on('data', (chunk: Buffer) => void (said += chunk.toString()));
    const [code] = (await once(shell, 'exit')) as [number | null];
    return { code, said };
  }
});

function blocks(document: string): string[] {
  return [...document.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!);
}

/** As many in a row as the document uses, all free, and none that a test beside this one may choose. */
async function freePorts(): Promise<number> {
  for (;;) {
    const nextPort = portsFrom(0);
    const first = await nextPort();
    let last = first;
    for (let count = 1; count < PORTS; count++) last = await nextPort();
    if (last === first + PORTS - 1) return first;
  }
}

function pids(folder: string): number[] {
  const read = (path: string): number[] => {
    try {
      return [Number(readFileSync(path, 'utf8'))];
    } catch {
      return [];
    }
  };
  try {
    return readdirSync(folder).flatMap((name) => read(join(folder, name, 'pid')));
  } catch {
    return [];
  }
}

/** One that has ended and that nobody has asked for runs no more. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc/self/stat') || !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  if (isRunning(pid)) process.kill(pid, 'SIGKILL');
}
