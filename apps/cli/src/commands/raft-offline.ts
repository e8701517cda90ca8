import { Ended } from '../failures.js';
import type { Run } from '../run.js';
import type { AddCommands } from './command.js';

/** Those of `npm run meta --`, on the folders of meta servers that do not run. */
const COMMANDS = {
  inspect: 'Shows what the folder of a meta server that does not run holds.',
  verify: 'Checks a backup, and shows what it holds.',
  restore: 'Fills empty folders for the meta servers of a new group from a backup.',
  recover: 'Makes the one meta server that is left of a lost majority a group of its own.',
} as const;

/**
 * They take their arguments as they are, their `--help` included, so that there is one implementation; and it is loaded only
 * here, since it brings all that a meta server consists of.
 */
export const addOffline: AddCommands = (root, tasks) => {
  for (const [name, description] of Object.entries(COMMANDS))
    root
      .command(name)
      .description(description)
      .usage('[options]')
      .argument('[options...]')
      .helpOption(false)
      .allowUnknownOption()
      .action(tasks.of((run: Run, args: string[]) => offline(run, [name, ...args])));
};

async function offline(run: Run, args: string[]): Promise<void> {
  const { runOffline } = await import('../../../meta/src/offline/command.js');
  const { out, err } = run.terminal;
  const code = await runOffline(run.isJson ? [...args, '--json'] : args, { out, err }, 'rollcall raft');
  if (code !== 0) throw new Ended(code);
}
