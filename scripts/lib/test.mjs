import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { StepFailed, runNode, stopOnSignals } from './child.mjs';
import { install, isInstalled } from './install.mjs';
import { ROOT, at } from './paths.mjs';

const JEST = ['--experimental-vm-modules', '--no-warnings', at('node_modules/jest/bin/jest.js')];
const NO_COLOR = { FORCE_COLOR: '0', NO_COLOR: '1' };
/** A stage that hangs must end before the whole check does; one that works takes a few minutes, on a busy machine many more. */
const STAGE_TIMEOUT_MS = 30 * 60_000;

const tests = { passed: 0, failed: 0 };
const tool = (...args) => runNode(args, { env: NO_COLOR, timeoutMs: STAGE_TIMEOUT_MS });

/** What must succeed before anything else makes sense. */
const PREPARATION = [
  { name: 'packages', run: async () => isInstalled() || install({ show: false }) },
  { name: 'build', run: build },
];

/** Each runs, whatever the others said. A stage that failed rejects. */
const CHECKS = [
  { name: 'types', run: () => tool(at('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json', '--noEmit') },
  { name: 'lint', run: () => tool(at('node_modules/oxlint/bin/oxlint'), '--deny-warnings') },
  {
    name: 'formatting',
    run: () => tool(at('node_modules/prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'),
  },
  { name: 'layer rules', run: () => tool(at('scripts/check-layers.mjs')) },
  { name: 'unit and property tests', run: () => jest(['libs', 'apps', 'examples', 'bench']) },
  { name: 'simulations', run: () => jest(['test/simulation']) },
  { name: 'end-to-end tests', run: () => jest(['test'], '--testPathIgnorePatterns', '/test/simulation/') },
];

async function jest(folders, ...options) {
  const scratch = mkdtempSync(join(tmpdir(), 'rollcall-jest-'));
  const report = join(scratch, 'results.json');
  try {
    const roots = folders.map((folder) => at(folder)).filter((folder) => existsSync(folder));
    await tool(...JEST, '--roots', ...roots, ...options, '--passWithNoTests', '--json', '--outputFile', report);
  } finally {
    count(report);
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** A suite that could not even be run counts as one failure. */
function count(report) {
  const results = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { numRuntimeErrorTestSuites: 1 };
  tests.passed += results.numPassedTests ?? 0;
  tests.failed += (results.numFailedTests ?? 0) + (results.numRuntimeErrorTestSuites ?? 0);
}

/** Runs the stages in order with a line for each; answers the names of those that failed. */
async function runStages(stages, first, total) {
  const failed = [];
  for (const [index, { name, run }] of stages.entries()) {
    process.stdout.write(`[${first + index}/${total}] ${name} ... `);
    const startMs = performance.now();
    const took = () => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
    try {
      await run();
      console.log(`ok ${took()}`);
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      console.log(`FAILED ${took()} (${error.message})\n${error.output.trim()}\n`);
      failed.push(name);
    }
  }
  return failed;
}

process.chdir(ROOT);
stopOnSignals();
const jestArguments = process.argv.slice(2);
const chosen = jestArguments.length > 0;
const total = PREPARATION.length + (chosen ? 0 : CHECKS.length);
const failed = await runStages(PREPARATION, 1, total);
if (failed.length > 0) process.exit(1);

if (chosen) {
  await runNode([...JEST, ...jestArguments], { show: true }).catch((error) => process.exit(error.exitCode ?? 1));
} else {
  failed.push(...(await runStages(CHECKS, PREPARATION.length + 1, total)));
  if (failed.length > 0) console.log(`not ok: ${failed.join(', ')}`);
  console.log(`${tests.passed} passed, ${tests.failed} failed`);
  process.exit(failed.length > 0 ? 1 : 0);
}
