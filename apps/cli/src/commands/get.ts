import { isPlainObject } from '#model';
import { CliFailure, Refused, Unreachable } from '../failures.js';
import { counted } from '../output/duration.js';
import { table } from '../output/table.js';
import type { Datum } from '../servers/answers.js';
import type { Run } from '../run.js';
import { type AddCommands, examples } from './command.js';
import { type NameOptions, type ViewOptions, nameFields, publisherRows, viewFields, withView } from './datum.js';

export const addGet: AddCommands = (parent, tasks) => {
  withView(parent.command('get'))
    .description('Who is registered under a name, as a subscriber would be told.')
    .argument('<dataId>', 'the name')
    .option('--owners', 'as the leader of its slot holds it: with owners and stamps, and what is switched off')
    .addHelpText(
      'after',
      examples('rollcall get user', 'rollcall get user --zone east --scope zone', 'rollcall get user --owners --json'),
    )
    .action(
      tasks.of((run: Run, dataId: string, options: ViewOptions & { owners?: true }) =>
        options.owners ? owners(run, dataId, options) : get(run, dataId, options),
      ),
    );
};

async function get(run: Run, dataId: string, options: ViewOptions): Promise<void> {
  const session = await run.cluster.session();
  const datum = await session.get<Datum>('/v1/datums', { dataId, ...viewFields(options) });
  run.print(datum, () => {
    const { dataInfoId, version, publishers, partial } = datum;
    const state = partial ? ', not complete yet: its leader is still gathering' : '';
    const head = `${dataInfoId} at version ${version}: ${counted(publishers.length, 'publisher')}${state}`;
    return publishers.length === 0 ? [head] : [...publisherRows(run.paint, publishers), '', head];
  });
}

interface HeldDatum {
  dataInfoId: string;
  slot: number;
  version: string;
  complete: boolean;
  hidden: string[];
  publications: { registerId: string; owner: unknown; stamp: number[]; zone: string; content?: { data?: string[] } }[];
  next?: string;
}

/** As many as a server gives at a time. */
const PAGE = 1_000;

/** Only the leader of the slot answers, so the data servers are asked until one does. */
async function owners(run: Run, dataId: string, options: NameOptions): Promise<void> {
  const { members } = await run.cluster.members();
  let failure: unknown;
  for (const { role, httpAddress } of members) {
    if (role !== 'data') continue;
    try {
      const query = { dataId, ...nameFields(options), limit: PAGE };
      const server = run.cluster.at(httpAddress);
      const { next, ...datum } = await server.get<HeldDatum>('/v1/datums', query);
      for (let after = next; after !== undefined;) {
        const page: HeldDatum = await server.get<HeldDatum>('/v1/datums', { ...query, after });
        datum.publications.push(...page.publications);
        datum.hidden.push(...page.hidden);
        after = page.next;
      }
      return printHeld(run, datum);
    } catch (error) {
      const isElsewhere = error instanceof Refused && error.code === 'NOT_LEADER';
      if (!isElsewhere && !(error instanceof Unreachable)) throw error;
      failure = error;
    }
  }
  throw failure ?? new CliFailure('The cluster has no data server just now.');
}

function printHeld(run: Run, datum: HeldDatum): void {
  run.print(datum, () => {
    const { dataInfoId, slot, version, complete, hidden, publications } = datum;
    const rows = publications.map(({ registerId, owner, stamp, zone, content }) => [
      content?.data?.join(' '),
      zone,
      ownerOf(owner),
      stamp.join('.'),
      hidden.includes(registerId) ? { text: 'switched off', tint: 'warn' as const } : '',
      registerId,
    ]);
    return [
      ...table(run.paint, ['DATA', 'ZONE', 'OWNER', 'STAMP', 'STATE', 'REGISTER ID'], rows),
      '',
      `${dataInfoId} at version ${version} in slot ${slot}, ${complete ? 'complete' : 'not complete yet'}`,
    ];
  });
}

function ownerOf(owner: unknown): string {
  if (!isPlainObject(owner)) return String(owner);
  const { kind, ...rest } = owner;
  return [kind, ...Object.entries(rest).flat()].filter((part) => part !== undefined).join(' ');
}
