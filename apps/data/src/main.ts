import { loadConfig, runServerProgram, tuneHeap } from '#nest';
import { startData } from './data.app.js';

tuneHeap();

const program = {
  name: 'data',
  description: 'A data server: holds what is published, slot by slot.',
  tiers: ['data'],
} as const;

await runServerProgram(program, (fail) => startData(loadConfig('data'), fail));
