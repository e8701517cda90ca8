import { closeSync, openSync, readdirSync } from 'node:fs';
import { openFiles, openFilesMetric } from './open-files.js';

(process.platform === 'linux' ? describe : describe.skip)('the number of open files', () => {
  it('is that of those that are listed, however many', () => {
    const opened: number[] = [];
    for (let round = 0; round < 3; round++) {
      expect(openFiles()).toBe(readdirSync('/proc/self/fd').length - 1);
      for (let i = 0; i < 100; i++) opened.push(openSync('/dev/null', 'r'));
    }
    for (const file of opened) closeSync(file);
  });

  it('keeps nothing else from being told where it cannot be had', async () => {
    const [metric] = openFilesMetric(() => {
      throw new Error('EMFILE: too many open files');
    });
    await expect(metric!.get()).resolves.toMatchObject({ name: 'process_open_fds' });
    expect((await openFilesMetric()[0]!.get()).values[0]!.value).toBeGreaterThan(0);
  });
});
