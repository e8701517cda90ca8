import { closeSync, openSync, readdirSync } from 'node:fs';
import { openFiles } from './open-files.js';

(process.platform === 'linux' ? describe : describe.skip)('the number of open files', () => {
  it('is that of those that are listed, however many', () => {
    const opened: number[] = [];
    for (let round = 0; round < 3; round++) {
      expect(openFiles()).toBe(readdirSync('/proc/self/fd').length - 1);
      for (let i = 0; i < 100; i++) opened.push(openSync('/dev/null', 'r'));
    }
    for (const file of opened) closeSync(file);
  });
});
