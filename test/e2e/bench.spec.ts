import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/bench/src/main.js', import.meta.url));
const TIMEOUT_MS = 120_000;
const POLL_MS = 50;

/** What must be there for a system to be measured. The check installs none of them. */
const SYSTEMS: [string, string[]][] = [
  ['floor', []],
  ['rollcall', []],
  ['rollcall-3', []],
  ['etcd', ['/usr/bin/etcd']],
  ['nats', ['/usr/sbin/nats-server']],
  ['zookeeper', ['/usr/bin/java', '/usr/share/java/zookeeper.jar']],
  ['redis', ['/usr/bin/redis-server']],
];

interface Printed {
  skipped: Record<string, string>;
  workloads: Record<string, { rounds: Record<string, Round>[] }>;
}
interface Round {
  failed?: string;
  operations: number;
  missed: number;
  metrics: Record<string, number>;
  cores: { servers: number; load: number };
}

describe('the benches', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-spec-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  function bench(...args: string[]): { child: ChildProcess; output: Promise<string> } {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    child.stdout!.on('data', (chunk) => (printed += String(chunk)));
    return { child, output: once(child, 'close').then(() => printed) };
  }

  /** Processes that work in the folder of the benches. */
  function left(): string[] {
    return readdirSync('/proc').filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
      } catch {
        return false;
      }
    });
  }

  for (const [system, files] of SYSTEMS) {
    const lacking = files.filter((file) => !existsSync(file));
    const why = lacking.length === 0 ? '' : ` (skipped: ${lacking.join(' and ')} not found)`;
    (lacking.length === 0 ? describe : describe.skip)(`through ${system}${why}`, () => {
      it(
        'tell a subscriber of every change',
        async () => {
          const { child, output } = bench('--only', system, '--workload', 'isolated', '--rounds', '1', '--json');
          const { skipped, workloads } = JSON.parse(await output) as Printed;
          const round = workloads['isolated']!.rounds[0]![system]!;
          expect([child.exitCode, skipped, round.failed]).toEqual([0, {}, undefined]);
          // Each of the changes that count, which are all that were made after the warm-up.
          expect([round.operations, round.missed]).toEqual([500, 0]);
          expect(round.metrics['change p50']).toBeGreaterThan(0);
          expect(round.metrics['change p99']).toBeGreaterThanOrEqual(round.metrics['change p50']!);
          expect(round.cores.load).toBeGreaterThan(0);
          expect(readdirSync(folder)).toEqual([]);
          expect(left()).toEqual([]);
        },
        TIMEOUT_MS,
      );
    });
  }

  it(
    'leave no server and no folder behind when they are interrupted',
    async () => {
      const { child, output } = bench('--only', 'floor', '--workload', 'fan-out-1k', '--rounds', '1');
      // Both relays and the process that makes the load, which works elsewhere.
      while (left().length < 2) await setTimeout(POLL_MS);
      child.kill('SIGINT');
      await output;
      expect(child.exitCode).toBe(130);
      expect(readdirSync(folder)).toEqual([]);
      while (left().length > 0) await setTimeout(POLL_MS);
    },
    TIMEOUT_MS,
  );

  it('say what is wrong with what they are told, and measure nothing', async () => {
    const { child, output } = bench('--only', 'consul');
    let complaint = '';
    child.stderr!.on('data', (chunk) => (complaint += String(chunk)));
    expect(await output).toBe('');
    expect(child.exitCode).toBe(2);
    expect(complaint).toContain('--only has consul; it may have floor, rollcall, ');
  });
});
