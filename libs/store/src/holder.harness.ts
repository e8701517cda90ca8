import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program that opens a LevelDB folder, as another server would, and holds it until it is killed. */
const PROGRAM = `
  import { ClassicLevel } from 'classic-level';
  const db = new ClassicLevel(process.argv[1]);
  await db.open();
  console.log('open');
  setInterval(() => {}, 1000);
`;

export async function startHolder(folder: string): Promise<{ kill(): Promise<void> }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const opened = once(child.stdout, 'data').then(() => true);
  if (!(await Promise.race([opened, exited.then(() => false)]))) throw new Error('The other process did not start.');
  return {
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
