import { cpus, release, totalmem, type } from 'node:os';
import { endOnSignals } from './cluster.js';
import { type Options, commandOf, helpText, optionsOf } from './harness/bench-options.js';
import { text } from './harness/report.js';
import { type Results, merged } from './harness/results.js';
import { measure } from './harness/run.js';
import { SYSTEMS } from './systems/index.js';
import { installed } from './systems/installed.js';

const BYTES_PER_GB = 2 ** 30;

const args = process.argv.slice(2);
const names = SYSTEMS.map(({ name }) => name);
const options = parsed();
if (options.help) {
  process.stdout.write(helpText(names));
  process.exit(0);
}
endOnSignals();

const tell = (line: string): void => console.error(line);
const chosen = SYSTEMS.filter(({ name }) => options.systems.includes(name));
const { present, skipped } = installed(chosen);
for (const [name, why] of Object.entries(skipped)) tell(`${name} is left out: ${why}`);
const versions = await Promise.all(present.map(async (system) => [system.name, await about(system)] as const));
const results: Results = {
  machine: {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / BYTES_PER_GB),
    system: `${type()} ${release()}`,
    node: process.version,
  },
  systems: Object.fromEntries(versions),
  skipped,
  workloads: {},
};
const command = commandOf(args);
// With the libraries for charts and formatting, which nothing else needs.
const saving = options.save === undefined ? undefined : await import('./harness/save.js');
const earlier = await saving?.kept(options.save!);
if (options.rounds > 0)
  for (const entry of options.entries)
    // What has been measured stays when the rest is interrupted.
    await measure(entry, present, options.rounds, command, tell, async (measured) => {
      results.workloads[entry.name] = measured;
      await saving?.keep(options.save!, merged(earlier, results, options.add));
    });
if (options.report !== undefined)
  await saving!.writeReport(
    options.report,
    options.rounds > 0 ? merged(earlier, results, options.add) : (earlier ?? results),
  );
if (options.json) console.log(JSON.stringify(results, null, 2));
else if (options.rounds > 0) console.log(`\n${text(results)}`);
process.exit(isWrong(results) ? 1 : 0);

function parsed(): Options {
  try {
    return optionsOf(args, names);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(2);
  }
}

async function about({ setup, version }: (typeof SYSTEMS)[number]): Promise<{ version: string; setup: string }> {
  return { version: await version(), setup };
}

/** Rollcall must neither fail nor miss anything; of others that is a result. */
function isWrong({ workloads }: Results): boolean {
  return Object.values(workloads).some(({ rounds }) =>
    rounds.some((round) =>
      ['rollcall', 'rollcall-3'].some((system) => {
        const result = round[system];
        return result !== undefined && ('failed' in result || result.missed > 0);
      }),
    ),
  );
}
