import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { count } from '../options.js';
import { churn } from './churn.js';
import type { Driver } from './driver.js';
import { fanOut } from './fan-out.js';
import { FloorDriver } from './floor/driver.js';
import { type Rounds, inNumbers, print, printRound } from './report.js';
import { RollcallDriver } from './rollcall/driver.js';
import { SdkDriver } from './rollcall/sdk-driver.js';
import type { Workload } from './workload.js';

const HELP = `Measures how changes are pushed, beside bare sockets that do nothing but relay (the floor), in interleaved rounds on this machine.

  npm run bench [-- options]

  --rounds N      rounds of each system and workload (5)
  --only TEXT     only workloads whose name contains TEXT
  --system LIST   only some of floor,rollcall,SDK; without the floor there are no ratios
  --changes N     changes of each round, where they come one by one (isolated 500, to 1,000 subscribers 100, to 10,000 30)
  --publishers N  of the churn (100000)
  --percent N     of them that change each second (1)
  --topics N      that they share (100)
  --subscribers N of the churn, each of one topic (1000)
  --seconds N     of the churn in each round (20)
  --json          print the results as JSON

Clients of the floor and of Rollcall run on the same sockets, frames and msgpack in this process, and do no more than their
protocol demands; Rollcall's acknowledge what they are pushed. So that it can be seen what the SDK adds, the smaller
workloads are measured through that too. Each round starts all servers anew, and then
the systems take turns. Processor time is that of the server that pushes.
`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    system: { type: 'string', default: '' },
    changes: { type: 'string' },
    publishers: { type: 'string', default: '100000' },
    percent: { type: 'string', default: '1' },
    topics: { type: 'string', default: '100' },
    subscribers: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const rounds = count('rounds', options.rounds);
const publishers = count('publishers', options.publishers);
const changes = (usual: number): number => (options.changes === undefined ? usual : count('changes', options.changes));

const WORKLOADS: Workload[] = [
  fanOut(
    'isolated change -> 1 subscriber',
    { subscribers: 1, valueBytes: 100, changes: changes(500), warmUp: 300, turn: 50 },
    { throughSdk: true, target: { percentile: 'p50', most: 3, of: 'ratio' } },
  ),
  fanOut(
    'one change -> last of 1,000 subscribers',
    { subscribers: 1_000, valueBytes: 320, changes: changes(100), warmUp: 20, turn: 5 },
    { throughSdk: true, target: { percentile: 'p50', most: 2, of: 'ratio' } },
  ),
  fanOut(
    'one change -> last of 10,000 subscribers',
    { subscribers: 10_000, valueBytes: 320, changes: changes(30), warmUp: 4, turn: 2 },
    { throughSdk: false, target: { percentile: 'p50', most: 2, of: 'ratio' } },
  ),
  churn(
    'churn -> all subscribers',
    {
      publishers,
      subscribers: count('subscribers', options.subscribers),
      topics: count('topics', options.topics),
      changesPerSecond: (publishers * count('percent', options.percent)) / 100,
      seconds: count('seconds', options.seconds),
      valueBytes: 100,
    },
    { throughSdk: false, target: { percentile: 'p99', most: 1_000, of: 'ms' } },
  ),
];

const SYSTEMS: { name: string; isSdk?: true; make: () => Driver }[] = [
  { name: 'floor', make: () => new FloorDriver() },
  { name: 'rollcall', make: () => new RollcallDriver() },
  { name: 'SDK', isSdk: true, make: () => new SdkDriver() },
];

const isMeasured =
  ({ throughSdk }: Workload) =>
  ({ name, isSdk }: (typeof SYSTEMS)[number]): boolean =>
    options.system.split(',').some((each) => name.includes(each)) && (throughSdk || !isSdk);

let missed = 0;
const results = new Map<Workload, Rounds>();
for (const workload of WORKLOADS.filter(({ name }) => name.includes(options.only))) {
  const bySystem: Rounds = new Map();
  results.set(workload, bySystem);
  for (let round = 1; round <= rounds; round++) {
    const drivers = SYSTEMS.filter(isMeasured(workload)).map(({ make }) => make());
    for (const [i, measured] of (await workload.run(drivers)).entries()) {
      const { name } = drivers[i]!;
      if (name !== 'floor') missed += measured.missed;
      bySystem.set(name, [...(bySystem.get(name) ?? []), measured]);
      printRound(`${workload.name}, round ${round}/${rounds}, ${name}`, measured);
    }
  }
}
if (options.json) {
  const workloads = Object.fromEntries([...results].map(([{ name }, bySystem]) => [name, inNumbers(bySystem)]));
  console.log(JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, rounds, workloads }, null, 2));
} else for (const [workload, bySystem] of results) print(workload, bySystem);
process.exit(missed > 0 ? 1 : 0);
