import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Histogram } from 'hdr-histogram-js';
import type { Driver } from './driver.js';
import { FloorDriver } from './floor/driver.js';
import { RollcallDriver } from './rollcall/driver.js';
import { type Workload, WORKLOADS, run } from './workloads.js';

const HELP = `Measures Rollcall beside bare sockets, in interleaved rounds on this machine.

  npm run bench [-- --rounds N] [--only TEXT] [--json]

  --rounds N   rounds of each system and workload (default 5)
  --only TEXT  only workloads whose name contains TEXT
  --json       print the results as JSON
`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

interface Round {
  p50Us: number;
  p99Us: number;
}

const drivers: (() => Driver)[] = [() => new FloorDriver(), () => new RollcallDriver()];

async function measure(make: () => Driver, workload: Workload): Promise<{ name: string; round: Round }> {
  const driver = make();
  try {
    await driver.start();
    const histogram: Histogram = await run(driver, workload);
    const round = { p50Us: histogram.getValueAtPercentile(50), p99Us: histogram.getValueAtPercentile(99) };
    return { name: driver.name, round };
  } finally {
    await driver.stop();
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
const ms = (us: number): string => `${(us / 1000).toFixed(2)} ms`;

if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error(`--rounds must be a whole number above 0, not ${options.rounds}`);
  process.exit(2);
}
const results: Record<string, Record<string, Round[]>> = {};
for (const workload of WORKLOADS.filter(({ name }) => name.includes(options.only))) {
  const byDriver: Record<string, Round[]> = (results[workload.name] = {});
  for (let round = 1; round <= rounds; round++)
    for (const make of drivers) {
      const { name, round: result } = await measure(make, workload);
      (byDriver[name] ??= []).push(result);
      console.error(
        `${workload.name}, round ${round}/${rounds}, ${name}: p50 ${ms(result.p50Us)}, p99 ${ms(result.p99Us)}`,
      );
    }
}
if (options.json) console.log(JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, results }, null, 2));
else
  for (const [name, byDriver] of Object.entries(results)) {
    console.log(`\n${name} (medians of ${rounds} rounds; ratios to the floor by round)`);
    for (const [driver, list] of Object.entries(byDriver)) {
      const ratios = list.map((round, index) => round.p50Us / byDriver.floor![index]!.p50Us);
      const spread = `${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)}`;
      const [p50, p99] = [median(list.map((round) => round.p50Us)), median(list.map((round) => round.p99Us))];
      console.log(
        `  ${driver.padEnd(9)} p50 ${ms(p50)}  p99 ${ms(p99)}  p50 ratio ${median(ratios).toFixed(2)} (${spread})`,
      );
    }
  }
