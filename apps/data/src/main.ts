import { setFlagsFromString } from 'node:v8';
import { letHeapGrow, loadConfig, runServerProgram } from '#nest';
import { startData } from './data.app.js';

// V8 would come to create what answers are made of in its old space at once, since so much of what is created alike stays
// for long. There it keeps alive what it names, so that half of all garbage would wait for the next major collection,
// which looks at every publication: a fetch of a hundred cost half as much again.
setFlagsFromString('--no-allocation-site-pretenuring');
letHeapGrow();

const program = {
  name: 'data',
  description: 'A data server: holds what is published, slot by slot.',
  tiers: ['data'],
} as const;

await runServerProgram(program, (fail) => startData(loadConfig('data'), fail));
