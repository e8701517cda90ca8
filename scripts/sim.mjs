// npm run sim -- --seeds 500 --seed 1000: the random-fault simulation over more or other seeds than `npm test` tries.
// With --group it is the simulation of a Raft group, otherwise that of the whole registry.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    group: { type: 'boolean', default: false },
  },
});
const { group, ...numbers } = values;
for (const [name, value] of Object.entries(numbers)) {
  if (/^\d{1,9}$/.test(value)) continue;
  console.error(`--${name} must be a whole number, not ${value}.`);
  process.exit(2);
}

const jest = spawn(
  process.execPath,
  [
    ...['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'],
    ...[
      group ? 'test/simulation/raft/raft-faults.spec.ts' : 'test/simulation/random-faults.spec.ts',
      '--verbose=false',
    ],
  ],
  { stdio: 'inherit', env: { ...process.env, SIM_SEEDS: numbers.seeds, SIM_SEED: numbers.seed } },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => jest.kill(signal));
jest.on('exit', (code) => process.exit(code ?? 1));
