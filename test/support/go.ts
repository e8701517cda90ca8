import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const LEAST_MINOR = 23;
/** Modules are fetched and compiled the first time. */
export const GO_TIMEOUT_MS = 900_000;

/** Why nothing of Go can be tested here; undefined where it can. */
export function lacksGo(): string | undefined {
  const { error, stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  if (error) return 'Go is not installed';
  const minor = Number(/^go1\.(\d+)/.exec(stdout)?.[1]);
  return minor >= LEAST_MINOR ? undefined : `Go 1.${LEAST_MINOR} is needed, not ${stdout.trim()}`;
}

/** Runs the go command in a module's folder, and rejects with what it says unless it succeeds. */
export async function mustGo(folder: string, args: string[]): Promise<void> {
  const { code, output } = await go(folder, args);
  if (code !== 0) throw new Error(`go ${args.join(' ')} ends with ${code}:\n${output}`);
}

/** Runs the go command in a module's folder. Compiling takes all cores for minutes, and comes behind whatever else is tested. */
export async function go(
  folder: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; output: string }> {
  const child = spawn('nice', ['go', ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}
