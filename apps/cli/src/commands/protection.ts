import { Option } from 'commander';
import { counted } from '../output/duration.js';
import type { Protections } from '../servers/answers.js';
import type { Run } from '../run.js';
import { type AddCommands, addCommand, addGroup } from './command.js';

interface Options {
  role?: 'data' | 'session';
}

export const addProtection: AddCommands = (parent, tasks) => {
  const root = addGroup(parent, 'protection', {
    description:
      'Nothing is removed on account of servers of which so many are lost at once that something else has failed.',
    examples: ['rollcall protection status', 'rollcall protection confirm'],
  });
  addCommand(root, tasks, 'status', {
    description: 'Whether servers are missed so, and how many.',
    examples: ['rollcall protection status', 'rollcall protection status --json'],
    does: status,
  });
  addCommand(root, tasks, 'confirm', {
    description:
      'Says that the servers that are missed are not coming back. What they left behind goes 20 seconds later.',
    options: [new Option('--role <role>', 'only of these').choices(['data', 'session'])],
    examples: ['rollcall protection confirm', 'rollcall protection confirm --role session'],
    does: confirm,
  });
};

async function status(run: Run): Promise<void> {
  const now = await (await run.cluster.meta()).get<Protections>('/v1/protection');
  run.print(now, () => linesOf(now));
}

async function confirm(run: Run, { role }: Options): Promise<void> {
  const meta = await run.cluster.meta();
  const answer = await meta.change<Protections & { changed: boolean }>(
    'POST',
    '/v1/protection/confirm',
    role === undefined ? {} : { role },
  );
  const said = answer.changed ? 'confirmed' : 'there was no loss to confirm';
  run.print(answer, () => [said, ...(answer.protections.length > 0 ? linesOf(answer) : [])]);
}

function linesOf({ protections }: Protections): string[] {
  if (protections.length === 0) return ['no servers are missed'];
  return protections.map(
    ({ role, expected, present }) =>
      `${role}: ${present} of ${counted(expected, 'server')} are there; nothing is removed on account of the others`,
  );
}
