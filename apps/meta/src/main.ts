import { loadConfig, runServer } from '#nest';
import { startMeta } from './meta.app.js';

await runServer('meta', (fail) => startMeta(loadConfig('meta'), fail));
