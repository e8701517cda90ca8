import { loadConfig, runServer } from '#nest';
import { startSession } from './session.app.js';

await runServer('session', (fail) => startSession(loadConfig('session'), fail));
