import { type Switches, DEFAULT_SWITCHES, toDataInfoId, DEFAULT_GROUP, DEFAULT_INSTANCE_ID } from '#model';
import type { Command } from 'commander';
import { Refused, WrongUsage } from '../failures.js';
import { fields } from '../output/table.js';
import type { Changed, VersionedSwitches } from '../servers/answers.js';
import type { Run, Tasks } from '../run.js';
import { type AddCommands, examples, readCount } from './command.js';
import { type NameOptions, withName } from './datum.js';
import { switched } from './status.js';

/** So often somebody else may switch something in between. */
const ATTEMPTS = 5;

type ListOfNames = 'clientsOff' | 'blacklist';

export const addSwitch: AddCommands = (parent, tasks) => {
  const root = parent
    .command('switch')
    .helpCommand(false)
    .description('What is switched in the whole cluster while it runs: pushes, writes, clients, names.')
    .addHelpText(
      'after',
      examples('rollcall switch show', 'rollcall switch read-only on', 'rollcall switch stop-push gray 10.0.0.7'),
    );
  root
    .command('show')
    .description('What is switched, with its version.')
    .addHelpText('after', examples('rollcall switch show', 'rollcall switch show --json'))
    .action(tasks.of(async (run: Run) => show(run, await read(run))));
  root
    .command('stop-push')
    .description(
      'For whom pushes are held back: none, all, zones, addresses of clients, or gray (all but the addresses).',
    )
    .argument('<scope>', 'none, all, zones, addresses or gray')
    .argument('[names...]', 'zones, or addresses that clients connect from')
    .addHelpText(
      'after',
      examples(
        'rollcall switch stop-push all',
        'rollcall switch stop-push zones east west',
        'rollcall switch stop-push none',
      ),
    )
    .action(
      tasks.of((run: Run, scope: string, names: string[]) => set(run, () => ({ stopPush: stopOf(scope, names) }))),
    );
  root
    .command('read-only')
    .description('Whether nothing new is published and nothing removed.')
    .argument('<state>', 'on or off')
    .addHelpText('after', examples('rollcall switch read-only on', 'rollcall switch read-only off'))
    .action(tasks.of((run: Run, state: string) => set(run, () => ({ readOnly: onOff(state) }))));
  listOf(root, tasks, 'clientsOff', {
    name: 'clients-off',
    description: 'Addresses that clients connect from, whose publications are in no list.',
    example: '10.0.0.7',
  });
  listOf(root, tasks, 'blacklist', {
    name: 'blacklist',
    description: 'Names under which nothing new is published, and what there is, is in no list.',
    example: 'user',
  });
  withName(root.command('publications-off'))
    .description('Single publications that are in no list, by the name and REGISTER ID that get shows.')
    .argument('<change>', 'add, remove or clear')
    .argument('[dataId]')
    .argument('[registerId]')
    .addHelpText('after', examples('rollcall switch publications-off add user REGISTER_ID'))
    .action(
      tasks.of((run: Run, change: string, dataId?: string, registerId?: string, options: NameOptions = {}) =>
        set(run, ({ publicationsOff }) => ({
          publicationsOff: publications(publicationsOff, change, { dataId, registerId, ...options }),
        })),
      ),
    );
  root
    .command('push-window')
    .description(
      'For how long changes of one list are merged while pushes are flowing; without bounds, as the load says.',
    )
    .option('--min-ms <ms>', 'at least', readCount)
    .option('--max-ms <ms>', 'at most', readCount)
    .addHelpText(
      'after',
      examples('rollcall switch push-window --min-ms 50 --max-ms 2000', 'rollcall switch push-window'),
    )
    .action(tasks.of((run: Run, pushWindow: Switches['pushWindow']) => set(run, () => ({ pushWindow }))));
};

function listOf(
  root: Command,
  tasks: Tasks,
  of: ListOfNames,
  { name, description, example }: { name: string; description: string; example: string },
): void {
  root
    .command(name)
    .description(description)
    .argument('<change>', 'add, remove or clear')
    .argument('[names...]')
    .addHelpText('after', examples(`rollcall switch ${name} add ${example}`, `rollcall switch ${name} clear`))
    .action(
      tasks.of((run: Run, change: string, names: string[]) =>
        set(run, (now) => ({ [of]: changed(now[of], change, names) })),
      ),
    );
}

async function read(run: Run): Promise<VersionedSwitches> {
  return (await run.cluster.meta()).get<VersionedSwitches>('/v1/switches');
}

/** Changes what it has read, and nothing that somebody else has switched since. */
async function set(run: Run, change: (now: Switches) => Partial<Switches>): Promise<void> {
  const meta = await run.cluster.meta();
  for (let attempt = 1; ; attempt++) {
    const { version, switches } = await read(run);
    try {
      const query = { expectedVersion: version };
      const answer = await meta.change<Changed>(
        'PUT',
        '/v1/switches',
        change({ ...DEFAULT_SWITCHES, ...switches }),
        query,
      );
      return show(run, await read(run), answer);
    } catch (error) {
      const isLate = error instanceof Refused && error.code === 'VERSION_CONFLICT';
      if (!isLate || attempt >= ATTEMPTS) throw error;
    }
  }
}

function show(run: Run, now: VersionedSwitches, answer?: Changed): void {
  run.print({ ...answer, ...now }, () => {
    const on = switched(now.switches);
    return [
      ...(answer ? [answer.changed ? `changed, version ${answer.version}` : 'that is how it was'] : []),
      ...fields(
        run.paint,
        Object.entries(now.switches).map(([name, value]) => [
          name,
          { text: JSON.stringify(value), tint: name in on ? 'warn' : 'dim' },
        ]),
      ),
    ];
  });
}

function stopOf(scope: string, names: readonly string[]): Switches['stopPush'] {
  const wants = scope === 'zones' || scope === 'addresses' || scope === 'gray';
  if (!wants && scope !== 'none' && scope !== 'all')
    throw new WrongUsage(`The scope is none, all, zones, addresses or gray, not ${scope}.`);
  if (wants !== names.length > 0)
    throw new WrongUsage(
      wants ? `For whom? Name the ${scope === 'zones' ? 'zones' : 'addresses'}.` : `${scope} takes no names.`,
    );
  if (scope === 'zones') return { scope, zones: [...names] };
  return wants ? { scope: scope as 'gray', addresses: [...names] } : { scope: scope as 'all' };
}

function onOff(state: string): boolean {
  if (state !== 'on' && state !== 'off') throw new WrongUsage(`It is on or off, not ${state}.`);
  return state === 'on';
}

function changed(now: readonly string[], change: string, names: readonly string[]): string[] {
  requireChange(change, names.length);
  if (change === 'clear') return [];
  return change === 'add' ? [...new Set([...now, ...names])] : now.filter((name) => !names.includes(name));
}

function publications(
  now: Switches['publicationsOff'],
  change: string,
  { dataId, registerId, group = DEFAULT_GROUP, instance = DEFAULT_INSTANCE_ID }: { [name: string]: string | undefined },
): Switches['publicationsOff'] {
  requireChange(change, [dataId, registerId].filter((one) => one !== undefined).length, 2);
  if (change === 'clear') return [];
  const dataInfoId = toDataInfoId({ dataId: dataId!, group, instanceId: instance });
  const others = now.filter((one) => one.dataInfoId !== dataInfoId || one.registerId !== registerId);
  return change === 'add' ? [...others, { dataInfoId, registerId: registerId! }] : others;
}

function requireChange(change: string, names: number, needed = 1): void {
  if (!['add', 'remove', 'clear'].includes(change))
    throw new WrongUsage(`The change is add, remove or clear, not ${change}.`);
  if (change === 'clear' ? names > 0 : names < needed)
    throw new WrongUsage(
      change === 'clear' ? 'clear takes no names.' : `What is to be ${change === 'add' ? 'added' : 'removed'}?`,
    );
}
