import { featureLevelOf } from '#model';
import { type Cell, table } from '../output/table.js';
import { counted } from '../output/duration.js';
import type { Drain, Members, RaftStatus } from '../servers/answers.js';
import type { MetaNode } from '../servers/cluster.js';
import type { Run } from '../run.js';
import { type AddCommands, examples } from './command.js';

export const addMembers: AddCommands = (parent, tasks) => {
  parent
    .command('members')
    .description('The servers of the cluster, and those that left it lately.')
    .option('--role <role>', 'meta, data or session only')
    .addHelpText('after', examples('rollcall members', 'rollcall members --role data', 'rollcall members --json'))
    .action(tasks.of((run: Run, options: { role?: string }) => members(run, options)));
};

async function members(run: Run, { role }: { role?: string }): Promise<void> {
  const [state, { status, nodes }] = await Promise.all([run.cluster.members(), run.cluster.metaNodes()]);
  const isWanted = (one: { role: string }): boolean => role === undefined || one.role === role;
  const meta = nodes.map((node) => ({ role: 'meta', ...node, state: raftRole(node, status) })).filter(isWanted);
  const value = { ...state, members: state.members.filter(isWanted), meta };
  run.print(value, () => {
    const header = ['ROLE', 'ADDRESS', 'HTTP', 'ZONE', 'WEIGHT', 'LEVEL', 'STATE', 'INCARNATION'];
    const rows: Cell[][] = meta.map(({ id, about, state: raft }) => [
      ...['meta', id, about?.httpAddress ?? '', '', ''],
      about ? about.featureLevel : '',
      about ? { text: raft, tint: raft === 'leader' ? 'good' : 'strong' } : { text: 'unreachable', tint: 'bad' },
      about?.incarnation ?? '',
    ]);
    for (const member of value.members.toSorted(byRoleAndAddress)) {
      const { address, httpAddress, zone, weight, incarnation } = member;
      const drain = state.drains.find((each) => each.address === address);
      rows.push([member.role, address, httpAddress, zone, weight, featureLevelOf(member), drained(drain), incarnation]);
    }
    for (const gone of state.departed.filter(isWanted))
      rows.push([gone.role, '', '', '', '', '', { text: gone.cause, tint: 'dim' }, gone.incarnation]);
    return [...table(run.paint, header, rows), '', summary(state)];
  });
}

function summary({ clusterId, epoch, featureLevel, members: all }: Members): string {
  const of = (role: string): number => all.filter((member) => member.role === role).length;
  const servers = `${counted(of('data'), 'data server')}, ${counted(of('session'), 'session server')}`;
  return `cluster ${clusterId}, epoch ${epoch}, feature level ${featureLevel}: ${servers}`;
}

function drained(drain: Drain | undefined): Cell {
  if (!drain?.draining) return { text: 'member', tint: 'good' };
  return drain.safeToStop ? { text: 'drained', tint: 'warn' } : { text: 'draining', tint: 'warn' };
}

/** As the node sees it that was asked. */
export function raftRole({ id }: MetaNode, { leader, configuration }: RaftStatus): string {
  if (id === leader) return 'leader';
  return configuration.learners.includes(id) ? 'learner' : 'voter';
}

function byRoleAndAddress(a: Members['members'][number], b: Members['members'][number]): number {
  return a.role.localeCompare(b.role) || a.address.localeCompare(b.address, undefined, { numeric: true });
}
