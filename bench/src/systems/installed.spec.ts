import { fileURLToPath } from 'node:url';
import { installed } from './installed.js';
import type { System } from './system.js';

const HERE = fileURLToPath(import.meta.url);
const system = (name: string, files?: string[]): System => ({
  ...{ name, setup: '', version: () => Promise.resolve('1') },
  ...(files ? { needs: { files, install: `apt-get install ${name}` } } : {}),
  start: () => Promise.reject(new Error('not here')),
  clients: () => Promise.reject(new Error('not here')),
});

it('leaves out what lacks something, and says what brings it', () => {
  const [own, there, partly] = [system('own'), system('there', [HERE]), system('partly', [HERE, '/no/such/program'])];
  expect(installed([own, there, partly])).toEqual({
    present: [own, there],
    skipped: { partly: '/no/such/program not found; apt-get install partly' },
  });
});
