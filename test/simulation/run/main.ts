import { availableParallelism } from 'node:os';
import type { Simulation } from '../simulation.js';
import { Progress } from './progress.js';
import { runSeeds } from './run-seeds.js';
import { HELP, type Settings, parseSettings } from './settings.js';
import { Workers } from './workers.js';

const INTERRUPTED = 130;

async function runAll({ simulations, seeds, workers: count }: Settings): Promise<boolean> {
  const { stderr } = process;
  const output = { isTerminal: stderr.isTTY, write: (text: string) => void stderr.write(text) };
  const progress = new Progress(output, () => performance.now());
  let workers: Workers | undefined;
  // What has been found so far is told; a second signal ends at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      progress.stopped = true;
      process.exitCode = INTERRUPTED;
    });
  let isWell = true;
  for (const simulation of simulations) {
    if (progress.stopped) break;
    workers = new Workers(simulation.name, count);
    try {
      isWell = (await runSeeds(simulation, seeds, workers.lanes, progress)) && isWell;
    } finally {
      await workers.close();
    }
  }
  return isWell;
}

/** One seed, in this thread, and what happens in it. */
function tell(simulation: Simulation, seed: number, wanted: RegExp): boolean {
  const print = (line: string): void => void (wanted.test(line) && process.stdout.write(`${line}\n`));
  try {
    const { fingerprint } = simulation.run(seed, print);
    console.log(`seed ${seed}: all well; fingerprint ${fingerprint}`);
    return true;
  } catch (error) {
    console.log(`seed ${seed} failed: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

let settings: Settings | undefined;
try {
  settings = parseSettings(process.argv.slice(2), availableParallelism());
} catch (error) {
  console.error((error as Error).message);
  process.exit(2);
}
if (!settings) process.stdout.write(HELP);
else {
  const { trace, simulations, seeds } = settings;
  const isWell = trace ? tell(simulations[0]!, seeds.first, trace) : await runAll(settings);
  process.exitCode ??= isWell ? 0 : 1;
}
