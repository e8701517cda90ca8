import { resolve } from 'node:path';
import { RegistryError } from '#model';
import { type RunningTier, loadConfig, runServerProgram, tuneEngine } from '#nest';
import { startData } from '../../data/src/data.app.js';
import { startMeta } from '../../meta/src/meta.app.js';
import { startSession } from '../../session/src/session.app.js';

const TIERS = ['meta', 'data', 'session'] as const;

/** All three tiers in one process, in the order in which nobody has to wait: what `npm start` runs. */
const program = {
  name: 'rollcall',
  description: 'The whole registry in one process: a meta, a data and a session server.',
  tiers: TIERS,
};

tuneEngine();

await runServerProgram(program, async (fail) => {
  const started: { tier: string; running: RunningTier }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map(({ running }) => running.announceStop()));
    for (const { running } of started.splice(0).toReversed()) await running.close();
  };
  try {
    started.push({ tier: 'meta', running: await startMeta(loadConfig('meta'), fail) });
    started.push({ tier: 'data', running: await startData(loadConfig('data'), fail) });
    const session = loadConfig('session');
    if (session.workers !== 1)
      throw new RegistryError('INVALID_CONFIGURATION', 'Only session servers of their own have session.workers.');
    started.push({ tier: 'session', running: await startSession(session, fail) });
    await Promise.all(started.map(({ running }) => running.ready()));
  } catch (error) {
    await close();
    throw error;
  }
  process.stdout.write(banner(started));
  return { close, drainMs: Math.max(...started.map(({ running }) => running.drainMs)) };
});

function banner(started: { tier: string; running: RunningTier }[]): string {
  const session = started.find(({ tier }) => tier === 'session')!.running;
  const rows = started.map(
    ({ tier, running }) =>
      `  ${tier.padEnd(8)} RPC ${running.rpcAddress.padEnd(16)}  HTTP http://${running.httpAddress}  health http://${running.httpAddress}/health/ready`,
  );
  return [
    '',
    'Rollcall serves. Stop it with Ctrl-C.',
    ...rows,
    `  folders  ${[...new Set(TIERS.map((tier) => resolve(loadConfig(tier).dataDir)))].join(', ')}`,
    '',
    'Try it:',
    `  curl -N 'http://${session.httpAddress}/v1/watch?dataId=hello'`,
    '',
    '',
  ].join('\n');
}
