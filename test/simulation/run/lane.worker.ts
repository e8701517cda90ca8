import { parentPort, workerData } from 'node:worker_threads';
import { attempt } from './run-seeds.js';
import { simulationOf } from './simulations.js';

/** Runs the seeds it is sent, one by one. */
const simulation = simulationOf(workerData as string);
parentPort!.on('message', (seed: number) => parentPort!.postMessage(attempt(simulation, seed)));
