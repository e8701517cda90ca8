import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '#client';
import {
  type Config,
  type FromWorker,
  METRICS,
  type RunningServer,
  type ToWorker,
  WorkerPool,
  type WorkerProcess,
  WorkerSide,
  countedByEnded,
  createLogger,
  loadConfig,
  runServer,
  stopDelayOf,
} from '#nest';
import { startSession } from './session.app.js';

/** How a worker is told its number. */
const NUMBER = 'SESSION_WORKER';

/** A worker has as long as any server to close, and this process waits for it a little longer. */
const LONGER_MS = 2_000;

/** How many session servers share the port. 0 in the settings means one for each core. */
export function workersOf({ workers }: Config<'session'>): number {
  return workers === 0 ? availableParallelism() : workers;
}

/**
 * Starts several session servers that share one port for RPC and one for HTTP, so that all cores serve. This process takes
 * the connections and gives them to the workers in turn; else each of them is a member of the cluster of its own, with
 * an address of its own.
 */
export async function startWorkers(config: Config<'session'>): Promise<RunningServer> {
  const logger = createLogger({ tier: 'session', ...config.log });
  const pool = new WorkerPool({
    ...{ count: workersOf(config), fork, env: systemEnv(), logger },
    remains: { [METRICS]: countedByEnded },
  });
  await pool.start();
  logger.info('workers-serve', { workers: pool.addresses.length, rpcPort: config.rpcPort, httpPort: config.httpPort });
  return {
    close: () => pool.close().finally(() => logger.close()),
    drainMs: stopDelayOf(config) + config.limits.drainMs + LONGER_MS,
  };
}

function fork(number: number): WorkerProcess {
  const worker = cluster.fork({ [NUMBER]: String(number) });
  // What cannot be sent any more is of no use to anybody.
  worker.on('error', () => undefined);
  return {
    pid: worker.process.pid,
    send: (message: ToWorker) => {
      if (worker.isConnected()) worker.send(message);
    },
    kill: () => worker.process.kill('SIGKILL'),
    onMessage: (listener) => worker.on('message', (message: FromWorker) => listener(message)),
    onExit: (listener) => worker.on('exit', (code, signal) => listener(signal ?? `code ${code}`)),
  };
}

/** The life of a worker. */
export async function runWorker(): Promise<void> {
  const side = new WorkerSide(process);
  const number = Number(process.env[NUMBER]);
  const start = async (fail: (error: unknown) => void): Promise<RunningServer> => {
    const config = loadConfig('session');
    const portOf = (index: number): number =>
      config.workerPort === 0 ? 0 : config.workerPort + 2 * (number - 1) + index;
    const worker = { number, siblings: side, rpcPort: portOf(0), httpPort: portOf(1) };
    const own = { ...config, dataDir: join(config.dataDir, `worker-${number}`) };
    const running = await startSession(own, fail, undefined, worker);
    side.serving(running.advertisedAddress);
    return { drainMs: running.drainMs, close: () => running.close(side.leaving) };
  };
  await runServer(`session worker ${number}`, start, { process: side.process });
}
