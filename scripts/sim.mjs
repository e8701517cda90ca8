// npm run sim -- --seeds 500 --seed 1000: the random-fault simulation over more or other seeds than `npm test` tries.
// npm run sim -- --seeds 1 --seed 1003 --trace 'client-2|is killed': what happened in one run, line by line.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    trace: { type: 'string' },
  },
});
for (const [name, value] of Object.entries(values)) {
  if (name === 'trace' || /^\d{1,9}$/.test(value)) continue;
  console.error(`--${name} must be a whole number, not ${value}.`);
  process.exit(2);
}

const jest = spawn(
  process.execPath,
  [
    ...['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'],
    ...['test/simulation/random-faults.spec.ts', '--verbose=false'],
    ...(values.trace === undefined ? [] : ['-t', `seed ${values.seed} `]),
  ],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      SIM_SEEDS: values.seeds,
      SIM_SEED: values.seed,
      ...(values.trace === undefined ? {} : { SIM_TRACE: values.trace }),
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => jest.kill(signal));
jest.on('exit', (code) => process.exit(code ?? 1));
