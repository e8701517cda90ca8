import { DEFAULT_SWITCHES, type Switches } from '#model';
import { counted } from '../output/duration.js';
import { type Cell, fields } from '../output/table.js';
import type { Rebalance, Slots, VersionedSwitches } from '../servers/answers.js';
import { countStates } from '../servers/slots.js';
import type { Run } from '../run.js';
import { type AddCommands, examples } from './command.js';

export const addStatus: AddCommands = (parent, tasks) => {
  parent
    .command('status')
    .description('The cluster in a dozen lines: who leads, who is there, whether every slot is served and safe.')
    .addHelpText('after', examples('rollcall status', 'rollcall status --address 10.0.0.1:9615 --json'))
    .action(tasks.of((run: Run) => status(run)));
};

async function status(run: Run): Promise<void> {
  const { cluster } = run;
  const meta = await cluster.meta();
  const [members, { status: raft, nodes }, slots, rebalance, switches] = await Promise.all([
    cluster.members(),
    cluster.metaNodes(),
    meta.get<Slots>('/v1/slots'),
    meta.get<Rebalance>('/v1/rebalance'),
    meta.get<VersionedSwitches>('/v1/switches'),
  ]);
  const answering = nodes.filter(({ about }) => about).length;
  const counts = countStates(slots);
  const of = (role: string): number => members.members.filter((member) => member.role === role).length;
  const value = {
    ...{ clusterId: members.clusterId, epoch: members.epoch, featureLevel: members.featureLevel },
    meta: { leader: raft.leader, term: raft.term, servers: nodes.length, answering },
    members: { data: of('data'), session: of('session'), departed: members.departed.length },
    slots: { count: slots.slots.length, replicas: slots.replicas, ...counts },
    rebalance: { status: rebalance.status, offBalance: rebalance.offBalance, joining: rebalance.underWay.joining },
    protections: members.protections,
    drains: members.drains,
    switches: switched(switches.switches),
  };
  run.print(value, () => {
    const missing = nodes.length - answering;
    const metaText = `${counted(nodes.length, 'server')}, led by ${raft.leader ?? 'nobody'} in term ${raft.term}`;
    const slotTint = counts['no leader'] > 0 ? 'bad' : counts['under-replicated'] > 0 ? 'warn' : 'good';
    const slotText = Object.entries(counts).flatMap(([state, count]) => (count > 0 ? [`${count} ${state}`] : []));
    const { leads, replicas } = rebalance.offBalance;
    return fields(run.paint, [
      ['cluster', members.clusterId],
      ['epoch', `${members.epoch}, feature level ${members.featureLevel}`],
      [
        'meta',
        missing > 0 || raft.leader === null ? { text: `${metaText}; ${missing} not answering`, tint: 'bad' } : metaText,
      ],
      ['data', counted(of('data'), 'server')],
      ['session', counted(of('session'), 'server')],
      ['slots', { text: `${slots.slots.length}: ${slotText.join(', ')}`, tint: slotTint }],
      ['rebalance', rebalanceLine(rebalance, leads + replicas)],
      ...members.drains.map(({ address, safeToStop }): [string, Cell] => [
        'drain',
        { text: `${address} ${safeToStop ? 'is safe to stop' : 'is under way'}`, tint: 'warn' },
      ]),
      ...members.protections.map(({ role, expected }): [string, Cell] => [
        'protection',
        { text: `nothing is removed until ${counted(expected, `${role} server`)} are there`, tint: 'bad' },
      ]),
      ...Object.entries(value.switches).map(([name, set]): [string, Cell] => [
        'switch',
        { text: `${name} ${JSON.stringify(set)}`, tint: 'warn' },
      ]),
    ]);
  });
}

function rebalanceLine({ status: now, underWay, frozen }: Rebalance, off: number): Cell {
  if (now === 'paused') return { text: `paused, ${counted(off, 'slot')} off balance`, tint: 'warn' };
  if (frozen) return { text: 'frozen while many servers are missed', tint: 'bad' };
  if (off === 0 && underWay.joining === 0) return { text: 'balanced', tint: 'good' };
  return `running, ${counted(off, 'slot')} off balance, ${counted(underWay.joining, 'replica')} joining`;
}

/** Those that are not as they are when nobody has touched them. */
export function switched(switches: Switches): Partial<Switches> {
  const changed = Object.entries(switches).filter(
    ([name, set]) => JSON.stringify(set) !== JSON.stringify(DEFAULT_SWITCHES[name as keyof Switches]),
  );
  return Object.fromEntries(changed);
}
