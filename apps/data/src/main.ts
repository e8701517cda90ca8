import { loadConfig, runServer } from '#nest';
import { startData } from './data.app.js';

await runServer('data', (fail) => startData(loadConfig('data'), fail));
