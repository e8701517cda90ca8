import { runOffline } from '../../apps/meta/src/offline/command.js';

/** As `npm run meta --` with these arguments does, without a process of its own, which would take seconds to start. */
export async function meta(...args: string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const write = (text: string): void => void (output += text);
  return { code: await runOffline(args, { out: write, err: write }), output };
}
