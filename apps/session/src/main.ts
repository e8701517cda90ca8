import cluster from 'node:cluster';
import { loadConfig, runServerProgram, tuneEngine } from '#nest';
import { startSession } from './session.app.js';
import { runWorker, startWorkers, workersOf } from './workers.js';

const program = {
  name: 'session',
  description: 'A session server: applications connect to it to publish and to subscribe.',
  tiers: ['session'],
} as const;

tuneEngine();

if (cluster.isWorker) await runWorker();
else
  await runServerProgram(program, async (fail) => {
    const config = loadConfig('session');
    return workersOf(config) === 1 ? startSession(config, fail) : startWorkers(config);
  });
