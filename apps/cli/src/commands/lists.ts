import { duration } from '../output/duration.js';
import { type Cell, table } from '../output/table.js';
import type { Api } from '../servers/api.js';
import type { Run } from '../run.js';
import { type AddCommands, examples, readCount } from './command.js';

type Item = Record<string, unknown>;

interface Column {
  title: string;
  cell: (item: Item) => Cell;
}

/** A list that every server of a role has its own part of. */
interface List {
  name: string;
  role: 'data' | 'session';
  path: string;
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

const LISTS: readonly List[] = [
  {
    name: 'connections',
    role: 'session',
    path: '/v1/connections',
    description: 'The clients that are connected, at all session servers.',
    filters: ['appName', 'address', 'zone'],
    columns: [
      ...[column('CONNECTION', 'connection'), column('ADDRESS', 'address'), column('APP', 'appName')],
      ...[column('ZONE', 'zone'), column('SINCE', 'connectedAt'), state],
      ...[column('PUBLISHERS', 'publishers'), column('SUBSCRIBERS', 'subscribers'), column('WAITING', 'waiting')],
    ],
    example: 'rollcall connections --app-name shop',
  },
  {
    name: 'subscribers',
    role: 'session',
    path: '/v1/subscribers',
    description: 'Who subscribes to what, and what keeps what it is still to be told.',
    filters: [...NAMES, 'appName', 'address', 'zone'],
    columns: [
      ...[column('DATA ID', 'dataId'), column('ADDRESS', 'address'), column('APP', 'appName'), column('ZONE', 'zone')],
      ...[column('SCOPE', 'scope'), column('VERSION', 'version'), column('TOLD', 'told')],
      { title: 'WAITS FOR', cell: ({ waitsFor }) => ({ text: String(waitsFor ?? ''), tint: 'warn' }) },
    ],
    example: 'rollcall subscribers --data-id user',
  },
  {
    name: 'publishers',
    role: 'session',
    path: '/v1/publishers',
    description: 'What is registered through the session servers. Persistent publications are not among it: see get.',
    filters: [...NAMES, 'appName', 'address', 'zone', 'registerId'],
    columns: [
      ...[column('DATA ID', 'dataId'), column('KIND', 'kind'), column('ADDRESS', 'address'), column('APP', 'appName')],
      ...[column('ZONE', 'zone'), column('SINCE', 'registeredAt')],
      { title: 'LEASE', cell: ({ leaseMs }) => (typeof leaseMs === 'number' ? duration(leaseMs) : '') },
      ...[state, column('REGISTER ID', 'registerId')],
    ],
    example: 'rollcall publishers --prefix user --address-of 10.0.0.7',
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
      .option('--server <server>', 'of this server alone: its address or incarnation')
      .option('--limit <number>', 'so many at most, over all servers', readCount, PAGE)
      .addHelpText('after', examples(list.example, `rollcall ${list.name} --limit 10 --json`))
      .action(tasks.of((run: Run, options: Item & { limit: number }) => show(run, list, options)));
  }
};

async function show(run: Run, list: List, { limit, ...options }: Item & { limit: number }): Promise<void> {
  const { members } = await run.cluster.members();
  const query = Object.fromEntries(
    list.filters.flatMap((filter) => {
      const given = options[filter === 'address' ? 'addressOf' : filter];
      return given === undefined ? [] : [[filter, String(given)]];
    }),
  );
  const items: Item[] = [];
  let isCut = false;
  for (const { role, address, httpAddress, incarnation } of members) {
    const { server } = options;
    if (role !== list.role || (server !== undefined && ![address, httpAddress, incarnation].includes(String(server))))
      continue;
    const read = await pages(run.cluster.at(httpAddress), list, query, limit - items.length);
    items.push(...read.items.map((item) => ({ server: address, ...item })));
    isCut ||= read.isCut;
    if (items.length >= limit) break;
  }
  run.print({ [list.name]: items, ...(isCut ? { more: true } : {}) }, () => {
    const columns = [column('SERVER', 'server'), ...list.columns];
    const rows = items.map((item) => columns.map(({ cell }) => cell(item)));
    const more = isCut ? ', and there are more: see --limit' : '';
    return [
      ...table(
        run.paint,
        columns.map(({ title }) => title),
        rows,
      ),
      '',
      `${items.length} ${list.name}${more}`,
    ];
  });
}

async function pages(
  api: Api,
  { name, path }: List,
  query: Record<string, string>,
  limit: number,
): Promise<{ items: Item[]; isCut: boolean }> {
  const items: Item[] = [];
  for (let after: string | undefined; ;) {
    // Of the server alone, or each would tell of all.
    const asked = { ...query, local: 'true', limit: Math.min(PAGE, limit - items.length), after };
    const page = await api.get<Item>(path, asked);
    items.push(...(page[name] as Item[]));
    after = page['next'] as string | undefined;
    if (after === undefined) return { items, isCut: false };
    if (items.length >= limit) return { items, isCut: true };
  }
}
