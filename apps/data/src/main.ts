import { loadConfig, runServerProgram, tuneEngine } from '#nest';
import { startData } from './data.app.js';

tuneEngine();

const program = {
  name: 'data',
  description: 'A data server: holds what is published, slot by slot.',
  tiers: ['data'],
} as const;

await runServerProgram(program, (fail) => startData(loadConfig('data'), fail));
