import type { Paint, Tint } from '../output/paint.js';
import { type Cell, table } from '../output/table.js';
import { WrongUsage } from '../failures.js';
import type { Replica, Slot, Slots } from '../servers/answers.js';
import { type SlotState, countStates, findMember, slotState } from '../servers/slots.js';
import type { Run } from '../run.js';
import { addAbandon } from './abandon.js';
import { type AddCommands, examples, readCount } from './command.js';

interface Options {
  map?: true;
  slot?: number;
  server?: string;
  problems?: true;
}

const TINTS: Readonly<Record<SlotState, Tint>> = {
  ok: 'good',
  moving: 'strong',
  'under-replicated': 'warn',
  'no leader': 'bad',
};

export const addSlots: AddCommands = (parent, tasks) => {
  const root = parent
    .command('slots')
    .helpCommand(false)
    .description('Which data server leads and which follow in each slot; whether a slot lacks any.')
    .option('--map', 'all slots at a glance, a character each')
    .option('--slot <number>', 'one slot', readCount)
    .option('--server <server>', 'where this data server leads, follows or joins: its address or incarnation')
    .option('--problems', 'only slots that lack a leader or replicas')
    .addHelpText(
      'after',
      examples('rollcall slots --map', 'rollcall slots --problems', 'rollcall slots --server 127.0.0.1:9620 --json'),
    )
    .action(tasks.of((run: Run, options: Options) => slots(run, options)));
  addAbandon(root, tasks);
};

async function slots(run: Run, { map, slot, server, problems }: Options): Promise<void> {
  const all = await (await run.cluster.meta()).get<Slots>('/v1/slots');
  if (slot !== undefined && slot >= all.slots.length)
    throw new WrongUsage(`There is no slot ${slot}: they are 0 to ${all.slots.length - 1}.`);
  const incarnation = server === undefined ? undefined : await incarnationOf(run, server);
  const wanted = all.slots.filter(
    (one) =>
      (slot === undefined || one.slot === slot) &&
      (incarnation === undefined || namesOf(one).includes(incarnation)) &&
      (!problems || ['no leader', 'under-replicated'].includes(slotState(one, all))),
  );
  const value = { ...all, slots: wanted.map((one) => ({ ...one, state: slotState(one, all) })) };
  run.print(value, () => (map ? mapOf(run.paint, all, wanted) : [...rowsOf(run.paint, all, wanted), '', summary(all)]));
}

async function incarnationOf(run: Run, server: string): Promise<string> {
  const member = findMember(await run.cluster.members(), server);
  if (!member) throw new WrongUsage(`No member is called ${server}: see rollcall members.`);
  return member.incarnation;
}

function namesOf({ leader, followers, joining }: Slot): string[] {
  return [leader, ...followers, ...joining].flatMap((replica) => replica?.incarnation ?? []);
}

const nameOf = ({ address, incarnation }: Replica): string => address ?? `gone (${incarnation.slice(0, 8)})`;
const namesIn = (replicas: readonly Replica[]): string => replicas.map(nameOf).join(', ');

function rowsOf(paint: Paint, all: Slots, wanted: readonly Slot[]): string[] {
  const rows = wanted.map((one): Cell[] => {
    const state = slotState(one, all);
    return [
      one.slot,
      one.leader ? nameOf(one.leader) : '',
      one.leaderEpoch,
      namesIn(one.followers),
      namesIn(one.joining),
      one.durable ? 'yes' : '',
      { text: state, tint: TINTS[state] },
    ];
  });
  return table(paint, ['SLOT', 'LEADER', 'LEADER EPOCH', 'FOLLOWERS', 'JOINING', 'PERSISTENT', 'STATE'], rows);
}

function summary(all: Slots): string {
  const counts = Object.entries(countStates(all)).filter(([state, count]) => count > 0 || state === 'ok');
  const told = counts.map(([state, count]) => `${count} ${state}`).join(', ');
  return `${all.slots.length} slots at epoch ${all.epoch}: ${told}`;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const PER_LINE = 64;

/** A letter for each leader; what is asked for only, where not all is. */
function mapOf(paint: Paint, all: Slots, wanted: readonly Slot[]): string[] {
  const led = new Map<string, { letter: string; leads: number; follows: number }>();
  const servers = all.slots.flatMap(({ leader, followers, joining }) => [leader, ...followers, ...joining]);
  const names = new Set(servers.flatMap((replica) => (replica?.address ? [replica.address] : [])));
  for (const [at, name] of [...names].toSorted((a, b) => a.localeCompare(b, undefined, { numeric: true })).entries())
    led.set(name, { letter: LETTERS[at % LETTERS.length]!, leads: 0, follows: 0 });
  const shown = new Set(wanted.map(({ slot }) => slot));
  const chars = all.slots.map((one) => {
    const leader = led.get(one.leader?.address ?? '');
    if (leader) leader.leads++;
    for (const { address } of one.followers) if (led.has(address ?? '')) led.get(address!)!.follows++;
    if (!shown.has(one.slot)) return '.';
    const state = slotState(one, all);
    return paint(TINTS[state], SIGNS[state] ?? leader?.letter ?? '?');
  });
  const lines: string[] = [];
  for (let at = 0; at < chars.length; at += PER_LINE)
    lines.push(`${paint('dim', String(at).padStart(5))}  ${chars.slice(at, at + PER_LINE).join('')}`);
  const legend = [...led].map(
    ([name, { letter, leads, follows }]) => `${letter}  ${name}  leads ${leads}, follows ${follows}`,
  );
  const signs = [`${paint('bad', '!')}  no leader`, `${paint('warn', '-')}  too few replicas`];
  return [...lines, '', ...legend, ...signs, '', summary(all)];
}

/** Of what has to be seen without colours, too. */
const SIGNS: Readonly<Partial<Record<SlotState, string>>> = { 'no leader': '!', 'under-replicated': '-' };
