import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/bench/src/main.js', import.meta.url));
const TIMEOUT_MS = 120_000;
/** Servers are started, one of each kind is killed and started again, and all members come back three times. */
const HARD_TIMEOUT_MS = 300_000;
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
  samples?: Record<string, number[]>;
}

describe('the benches', () => {
  let folder: string;
  /** Where the benches are run, and keep what they are not told where to keep. */
  let here: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-spec-'));
    here = await mkdtemp(join(tmpdir(), 'rollcall-bench-here-'));
  });

  afterEach(async () => {
    for (const each of [folder, here]) await rm(each, { recursive: true, force: true });
  });

  function bench(...args: string[]): { child: ChildProcess; output: Promise<string> } {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: here,
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
          expect(await readFile(join(here, 'bench/results/benchmarks.md'), 'utf8')).toContain(`- **${system}** `);
          expect(readdirSync(folder)).toEqual([]);
          expect(left()).toEqual([]);
        },
        TIMEOUT_MS,
      );
    });
  }

  it(
    'have servers killed, and connections cut, and say how long it takes until all is as before',
    async () => {
      const workloads = ['mass-restart-1k', 'failover-few'];
      const args = ['--clients', '30', '--kills', '1', '--rounds', '1', '--json'];
      const { child, output } = bench('--only', 'rollcall-3', '--workload', workloads.join(','), ...args);
      const printed = JSON.parse(await output) as Printed;
      const [restart, failover] = workloads.map((name) => printed.workloads[name]!.rounds[0]!['rollcall-3']!);
      expect([child.exitCode, restart!.failed, failover!.failed]).toEqual([0, undefined, undefined]);
      expect([restart!.operations, restart!.missed, failover!.missed]).toEqual([90, 0, 0]);
      expect(restart!.metrics['worst']).toBeGreaterThanOrEqual(restart!.metrics['half']!);
      const times = Object.entries(failover!.samples!).map(([of, samples]) => [of, samples.length]);
      const [each, kills] = [['leader', 'edge', 'meta'], 3];
      expect(Object.fromEntries(times)).toEqual(
        Object.fromEntries(
          ['registration', 'push'].flatMap((what) => [
            ...each.map((kind) => [`${kind} ${what}`, 1]),
            ...['calm', 'return'].map((when) => [`${when} ${what}`, kills]),
          ]),
        ),
      );
      // Nobody could write to the slots of the data server that died until another one led them.
      expect(failover!.metrics['leader registration max']).toBeGreaterThan(10);
      expect(left()).toEqual([]);
    },
    HARD_TIMEOUT_MS,
  );

  it(
    'go on where they ended, and write a report of what is kept',
    async () => {
      const [file, report] = [join(folder, 'results.json'), join(folder, 'benchmarks.md')];
      const args = ['--only', 'floor', '--workload', 'isolated', '--save', file];
      const kept = async (): Promise<Round[]> => {
        const { workloads } = JSON.parse(await readFile(file, 'utf8')) as Printed;
        return workloads['isolated']!.rounds.map((round) => round['floor']!);
      };
      await bench(...args, '--rounds', '1').output;
      const [first] = await kept();
      await bench(...args, '--rounds', '2', '--resume', '--minutes', '5').output;
      const both = await kept();
      expect(both).toEqual([first, expect.objectContaining({ operations: 500 })]);
      await bench(...args, '--rounds', '2', '--resume').output;
      expect(await kept()).toEqual(both);
      await writeFile(join(folder, 'benchmarks.limits.md'), '## isolated\n\nBy hand.\n');
      await bench('--rounds', '0', '--save', file, '--report', report).output;
      const page = await readFile(report, 'utf8');
      for (const told of ['By hand.', 'Rounds: 2.', '![One isolated change']) expect(page).toContain(told);
    },
    TIMEOUT_MS,
  );

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

  it('end what they have started when a signal comes twice, as it does where whoever runs them hands it on', async () => {
    const { href } = new URL('../../dist/bench/src/cluster.js', import.meta.url);
    const program = `
      import { writeSync } from 'node:fs';
      import { endOnSignals } from ${JSON.stringify(href)};
      endOnSignals();
      process.once('exit', () => {
        writeSync(1, 'ending ');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
        writeSync(1, 'ended');
      });
      setInterval(() => {}, 1000);
      writeSync(1, 'ready ');
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.on('data', (chunk) => {
      printed += String(chunk);
      if (printed === 'ready ' || printed === 'ready ending ') child.kill('SIGTERM');
    });
    await once(child, 'close');
    expect([printed, child.exitCode]).toEqual(['ready ending ended', 143]);
  });

  it('say what is wrong with what they are told, and measure nothing', async () => {
    const { child, output } = bench('--only', 'consul');
    let complaint = '';
    child.stderr!.on('data', (chunk) => (complaint += String(chunk)));
    expect(await output).toBe('');
    expect(child.exitCode).toBe(2);
    expect(complaint).toContain('--only has consul; it may have floor, rollcall, ');
  });
});
