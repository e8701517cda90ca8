import type { Option } from 'commander';
import { CliFailure } from '../failures.js';
import { bytes, counted, duration } from '../output/duration.js';
import type { Paint } from '../output/paint.js';
import { table } from '../output/table.js';
import type { Changed, Rebalance, RebalancePlan, ServerLoad } from '../servers/answers.js';
import type { Run } from '../run.js';
import { waitFor } from '../wait.js';
import { type AddCommands, addCommand, addGroup, countOption, option, waitOption } from './command.js';

interface PlanOptions {
  drain?: string;
  limit: number;
}

interface RunOptions {
  wait: number;
}

const limit = (): Option => countOption('--limit <number>', 'how many steps are listed', 10);

export const addRebalance: AddCommands = (parent, tasks) => {
  const root = addGroup(parent, 'rebalance', {
    description: 'What is moved between data servers: what comes next and why, a dry run, and whether it may.',
    examples: ['rollcall rebalance status', 'rollcall rebalance plan', 'rollcall rebalance run'],
  });
  addCommand(root, tasks, 'status', {
    description: 'What every data server holds and should; what is under way, and what comes next and why.',
    options: [limit()],
    examples: ['rollcall rebalance status', 'rollcall rebalance status --limit 100 --json'],
    does: status,
  });
  addCommand(root, tasks, 'plan', {
    description: 'A dry run: all that would be moved, and what that costs.',
    options: [option('--drain <server>', 'as if this data server were drained: its address or incarnation'), limit()],
    examples: ['rollcall rebalance plan', 'rollcall rebalance plan --drain 127.0.0.1:9620'],
    does: plan,
  });
  addCommand(root, tasks, 'run', {
    description: 'Ends a pause, and waits until everything is where it should be.',
    options: [waitOption('for how long to wait', 3_600_000)],
    examples: ['rollcall rebalance run', 'rollcall rebalance run --wait 10m'],
    does: untilBalanced,
  });
  addCommand(root, tasks, 'pause', {
    description: 'Nothing is moved for balance from now on. Lost replicas and drains go on.',
    examples: ['rollcall rebalance pause'],
    does: (run) => change(run, 'pause'),
  });
  addCommand(root, tasks, 'resume', {
    description: 'Ends a pause, and does not wait.',
    examples: ['rollcall rebalance resume'],
    does: (run) => change(run, 'resume'),
  });
};

const offBalance = ({ offBalance: { leads, replicas } }: Pick<Rebalance, 'offBalance'>): number => leads + replicas;

async function status(run: Run, { limit: most }: PlanOptions): Promise<void> {
  const now = await (await run.cluster.meta()).get<Rebalance>('/v1/rebalance', { limit: most });
  run.print(now, () => {
    const { next } = now;
    const more = next.steps - next.explained.length;
    return [
      ...loads(run.paint, now.servers),
      '',
      describe(now),
      ...next.explained.map(({ explanation }) => `  ${explanation}`),
      ...(more > 0 ? [`  and ${counted(more, 'more step')}`] : []),
    ];
  });
}

function describe(now: Rebalance): string {
  const { status: state, frozen, underWay, next } = now;
  const held = frozen ? 'frozen while many servers are missed' : state;
  return (
    `${held}: ${counted(offBalance(now), 'slot')} off balance, ${counted(underWay.joining, 'replica')} joining, ` +
    `${counted(next.steps, 'step')} to come now`
  );
}

function loads(paint: Paint, servers: readonly ServerLoad[]): string[] {
  const range = ({ fewest, most }: ServerLoad['leads']): string =>
    fewest === most ? String(most) : `${fewest}-${most}`;
  return table(
    paint,
    ['SERVER', 'LEADS', 'SHOULD LEAD', 'HOLDS', 'SHOULD HOLD', 'STATE'],
    servers.map(({ address, leads, replicas, draining }) => [
      ...[address, leads.count, range(leads), replicas.count, range(replicas)],
      draining ? { text: 'draining', tint: 'warn' } : '',
    ]),
  );
}

async function plan(run: Run, { drain, limit: most }: PlanOptions): Promise<void> {
  const ahead = await (await run.cluster.meta()).get<RebalancePlan>('/v1/rebalance/plan', { drain, limit: most });
  run.print(ahead, () => {
    const { steps, rounds, cost, before, after } = ahead;
    if (steps.count === 0) return ['Nothing is to be moved.'];
    const more = steps.count - steps.listed.length;
    const unknown = cost.slotsUnknown > 0 ? `; not counting ${counted(cost.slotsUnknown, 'slot')} of unknown size` : '';
    return [
      ...loads(run.paint, after.servers),
      '',
      `${counted(steps.count, 'step')} in ${counted(rounds, 'round')}, from ${offBalance(before)} to ${offBalance(after)} slots off balance`,
      `copies ${counted(cost.publicationsCopied, 'publication')} (${bytes(cost.bytesCopied)}), sends ${counted(cost.datumsSent, 'datum', 'datums')} anew${unknown}`,
      ...steps.listed.map(
        ({ type, slot, server, leader, from, to }) =>
          `  slot ${slot}: ${type} ${from ? `${from} -> ${to}` : (server ?? leader)}`,
      ),
      ...(more > 0 ? [`  and ${counted(more, 'more step')}`] : []),
    ];
  });
}

async function change(run: Run, what: 'pause' | 'resume'): Promise<void> {
  const answer = await (await run.cluster.meta()).change<Changed>('POST', `/v1/rebalance/${what}`);
  run.print(answer, () => [`rebalancing ${what === 'pause' ? 'is paused' : 'goes on'}, version ${answer.version}`]);
}

async function untilBalanced(run: Run, { wait: limitMs }: RunOptions): Promise<void> {
  const meta = await run.cluster.meta();
  await meta.change('POST', '/v1/rebalance/resume');
  const startMs = performance.now();
  const what = 'the slots are not balanced yet';
  const now = await waitFor(run, { what, limitMs }, async () => {
    const state = await meta.get<Rebalance>('/v1/rebalance', { limit: 1 });
    if (state.frozen)
      throw new CliFailure('Nothing is moved while many servers are missed: see rollcall doctor and rollcall status.');
    if (state.status === 'paused') throw new CliFailure('Somebody has paused the rebalancing meanwhile.');
    if (offBalance(state) + state.underWay.joining + state.next.steps === 0) return state;
    run.progress.tell(describe(state));
    return undefined;
  });
  run.print(now, () => [
    ...loads(run.paint, now.servers),
    '',
    `balanced after ${duration(performance.now() - startMs)}`,
  ]);
}
