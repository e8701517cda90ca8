import { endOnSignals } from './cluster.js';
import { type Options, commandOf, helpText, optionsOf, placesOf } from './harness/bench-options.js';
import { thisCommit, thisMachine } from './harness/provenance.js';
import { text } from './harness/report.js';
import { FORMAT, type Results, type Run, merged, roundsOf } from './harness/results.js';
import { measure } from './harness/run.js';
import { likelySeconds } from './harness/stopwatch.js';
import { SYSTEMS } from './systems/index.js';
import { installed } from './systems/installed.js';

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
const machine = thisMachine();
const results: Results = {
  ...{ format: FORMAT, machine, systems: Object.fromEntries(versions), skipped, workloads: {} },
};
const run: Run = {
  ...{ measuredAt: new Date().toISOString(), command: commandOf(args), commit: await thisCommit(), machine },
  systems: Object.fromEntries(versions.map(([name, { version }]) => [name, version])),
};
const startMs = performance.now();
const leftSeconds = (): number => options.minutes * 60 - (performance.now() - startMs) / 1000;
// With the libraries for charts and formatting, which nobody needs who asks for help.
const saving = await import('./harness/save.js');
const { file, report } = placesOf(options);
const earlier = options.save === undefined ? undefined : await saving.kept(file).catch(refused);
const together = (): Results => merged(earlier, results, options.add || options.resume);
let left = 0;
for (const entry of options.rounds > 0 ? options.entries : []) {
  const plan = {
    ...{ entry, systems: present, rounds: options.rounds, run },
    has: (system: string) => (options.resume ? roundsOf(earlier?.workloads[entry.name], system) : 0),
    mayBegin: (system: string) => leftSeconds() >= likelySeconds(together().workloads[entry.name], system),
  };
  left += await measure(plan, tell, async (measured) => {
    results.workloads[entry.name] = measured;
    await saving.keep(file, together());
  });
}
if (left > 0)
  tell(`${left} measurements are left for another time${options.resume ? ': the same command goes on' : ''}.`);
if (report !== undefined) {
  await saving.writeReport(report, options.rounds > 0 ? together() : (earlier ?? results));
  tell(`The report is in ${report}.`);
}
if (options.json) console.log(JSON.stringify(results, null, 2));
else if (options.rounds > 0) console.log(`\n${text(results)}`);
process.exit(isWrong(results) ? 1 : 0);

function parsed(): Options {
  try {
    return optionsOf(args, names);
  } catch (error) {
    return refused(error);
  }
}

function refused(error: unknown): never {
  console.error(error instanceof Error ? error.message : error);
  process.exit(2);
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
