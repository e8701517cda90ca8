import { loadConfig, runServerProgram, tuneEngine } from '#nest';
import { startMeta } from './meta.app.js';

const program = {
  name: 'meta',
  description: 'A meta server: knows who is a member of the cluster, and which data server leads which slot.',
  tiers: ['meta'],
} as const;

tuneEngine();

await runServerProgram(program, (fail) => startMeta(loadConfig('meta'), fail));
