import { isPlainObject } from '#model';
import { duration } from '../output/duration.js';
import { harmless } from '../output/paint.js';
import { type Cell, table } from '../output/table.js';
import type { Api } from '../servers/api.js';
import type { Run } from '../run.js';
import { type AddCommands, examples, readCount } from './command.js';

type Item = Record<string, unknown>;

interface Column {
  title: string;
  cell: (item: Item) => Cell;
}

/** A list of the whole cluster, which any session server puts together. */
interface List {
  name: string;
  description: string;
  /** Names of its filters, which are options of the command and fields of the query. */
  filters: readonly (keyof typeof FILTERS)[];
  columns: readonly Column[];
  example: string;
}

/** By the name that the query has, what the option is called and what it is for. */
const FILTERS = {
  prefix: ['--prefix <text>', 'names that begin so'],
  dataId: ['--data-id <dataId>', 'one name'],
  group: ['--group <group>', 'one group'],
  instanceId: ['--instance-id <instanceId>', 'one instance'],
  appName: ['--app-name <name>', 'one application'],
  address: ['--address-of <address>', 'one address that clients connect from, without a port'],
  zone: ['--zone <zone>', 'one zone'],
  registerId: ['--register-id <id>', 'one registration'],
  cause: ['--cause <cause>', 'one cause, such as grace-expired or lease-ended'],
} as const;

const text =
  (name: string) =>
  (item: Item): Cell =>
    (item[name] ?? '') as Cell;
const column = (title: string, name: string): Column => ({ title, cell: text(name) });
const state: Column = {
  title: 'STATE',
  cell: ({ state: now }) => ({ text: String(now), tint: ['served', 'stored'].includes(String(now)) ? 'good' : 'warn' }),
};

const NAMES = ['prefix', 'dataId', 'group', 'instanceId'] as const;

/** A server is named by what is known of it. */
function server(name: string): (item: Item) => Cell {
  return (item) => {
    const value = item[name];
    if (!isPlainObject(value)) return (value ?? '') as Cell;
    return String(value['address'] ?? value['incarnation'] ?? '');
  };
}
const session: Column = { title: 'SESSION', cell: server('session') };

const LISTS: readonly List[] = [
  {
    name: 'connections',
    description: 'The clients that are connected.',
    filters: ['appName', 'address', 'zone'],
    columns: [
      ...[session, column('CONNECTION', 'connection'), column('ADDRESS', 'address'), column('APP', 'appName')],
      ...[column('ZONE', 'zone'), column('SINCE', 'connectedAt'), state],
      ...[column('PUBLISHERS', 'publishers'), column('SUBSCRIBERS', 'subscribers'), column('WAITING', 'waiting')],
    ],
    example: 'rollcall connections --app-name shop',
  },
  {
    name: 'subscribers',
    description: 'Who subscribes to what, and what keeps what it is still to be told.',
    filters: [...NAMES, 'appName', 'address', 'zone'],
    columns: [
      ...[column('DATA ID', 'dataId'), session, column('ADDRESS', 'address'), column('APP', 'appName')],
      ...[column('ZONE', 'zone'), column('SCOPE', 'scope'), column('VERSION', 'version'), column('TOLD', 'told')],
      { title: 'WAITS FOR', cell: ({ waitsFor }) => ({ text: String(waitsFor ?? ''), tint: 'warn' }) },
    ],
    example: 'rollcall subscribers --data-id user',
  },
  {
    name: 'publishers',
    description: 'What is registered through the session servers. Persistent publications are not among it: see get.',
    filters: [...NAMES, 'appName', 'address', 'zone', 'registerId'],
    columns: [
      ...[column('DATA ID', 'dataId'), column('KIND', 'kind'), session, column('ADDRESS', 'address')],
      column('APP', 'appName'),
      ...[column('ZONE', 'zone'), column('SINCE', 'registeredAt')],
      { title: 'LEASE', cell: ({ leaseMs }) => (typeof leaseMs === 'number' ? duration(leaseMs) : '') },
      ...[state, column('REGISTER ID', 'registerId')],
    ],
    example: 'rollcall publishers --prefix user --address-of 10.0.0.7',
  },
  {
    name: 'datums',
    description: 'The names under which something is published, or that somebody subscribes to.',
    filters: ['prefix', 'group', 'instanceId'],
    columns: [
      ...[column('DATA ID', 'dataId'), column('GROUP', 'group'), column('SLOT', 'slot')],
      ...[{ title: 'LEADER', cell: server('leader') }, column('VERSION', 'version')],
      ...[column('PUBLICATIONS', 'publications'), column('INTERESTED', 'interested')],
      { title: 'STATE', cell: ({ complete }) => (complete ? '' : { text: 'not complete yet', tint: 'warn' }) },
    ],
    example: 'rollcall datums --prefix user',
  },
  {
    name: 'removals',
    description: 'What has disappeared lately: who removed it, when and why.',
    filters: [...NAMES, 'appName', 'zone', 'registerId', 'cause'],
    columns: [
      ...[column('AT', 'at'), column('DATA ID', 'dataId'), column('CAUSE', 'cause')],
      ...[{ title: 'BY', cell: server('by') }, session, column('ADDRESS', 'address')],
      ...[column('APP', 'appName'), column('ZONE', 'zone')],
      column('REGISTER ID', 'registerId'),
    ],
    example: 'rollcall removals --prefix user --cause grace-expired',
  },
];

/** As many as a server gives at a time. */
const PAGE = 1_000;

export const addLists: AddCommands = (parent, tasks) => {
  for (const list of LISTS) {
    const command = parent.command(list.name).description(list.description);
    for (const filter of list.filters) {
      const [flags, meaning] = FILTERS[filter];
      command.option(flags, meaning);
    }
    command
      .option('--limit <number>', 'so many at most', readCount, PAGE)
      .addHelpText('after', examples(list.example, `rollcall ${list.name} --limit 10 --json`))
      .action(tasks.of((run: Run, options: Item & { limit: number }) => show(run, list, options)));
  }
};

interface Unanswered {
  server: string;
  reason: string;
}

async function show(run: Run, list: List, { limit, ...options }: Item & { limit: number }): Promise<void> {
  const query = Object.fromEntries(
    list.filters.flatMap((filter) => {
      const given = options[filter === 'address' ? 'addressOf' : filter];
      return given === undefined ? [] : [[filter, String(given)]];
    }),
  );
  const { items, isCut, unanswered } = await pages(await run.cluster.session(), list, query, limit);
  const silent = [...new Map(unanswered.map((one) => [one.server, one])).values()];
  run.print({ [list.name]: items, ...(isCut ? { more: true } : {}), unanswered: silent }, () => {
    const rows = items.map((item) => list.columns.map(({ cell }) => cell(item)));
    const more = isCut ? ', and there are more: see --limit' : '';
    return [
      ...table(
        run.paint,
        list.columns.map(({ title }) => title),
        rows,
      ),
      '',
      `${items.length} ${list.name}${more}`,
      ...silent.map((one) => run.paint('bad', harmless(`without those of ${one.server}: ${one.reason}`))),
    ];
  });
}

async function pages(
  api: Api,
  { name }: List,
  query: Record<string, string>,
  limit: number,
): Promise<{ items: Item[]; isCut: boolean; unanswered: Unanswered[] }> {
  const items: Item[] = [];
  const unanswered: Unanswered[] = [];
  for (let after: string | undefined; ;) {
    const page = await api.get<Item>(`/v1/${name}`, { ...query, limit: Math.min(PAGE, limit - items.length), after });
    items.push(...(page[name] as Item[]));
    unanswered.push(...((page['unanswered'] ?? []) as Unanswered[]));
    after = page['next'] as string | undefined;
    if (after === undefined || items.length >= limit) return { items, isCut: after !== undefined, unanswered };
  }
}
