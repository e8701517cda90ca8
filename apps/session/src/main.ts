import cluster from 'node:cluster';
import { loadConfig, runServer } from '#nest';
import { startSession } from './session.app.js';
import { runWorker, startWorkers, workersOf } from './workers.js';

if (cluster.isWorker) await runWorker();
else
  await runServer('session', (fail) => {
    const config = loadConfig('session');
    return workersOf(config) === 1 ? startSession(config, fail) : startWorkers(config);
  });
