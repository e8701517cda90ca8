import { WrongUsage } from '../failures.js';
import { counted } from '../output/duration.js';
import type { Api } from '../servers/api.js';
import type { Drain, SessionDrain } from '../servers/answers.js';
import { findMember } from '../servers/slots.js';
import type { Run } from '../run.js';
import { waitFor } from '../wait.js';
import { type AddCommands, examples, readDuration } from './command.js';

interface Options {
  undo?: true;
  fewerReplicas?: true;
  /** False by `--no-wait`. */
  wait: number | false;
}

/** How a server of one role is drained. */
interface Draining<State> {
  api: Api;
  path: string;
  body?: object;
  /** What is left to do. */
  left: (state: State) => string;
}

const WAIT_MS = 3_600_000;

export const addDrain: AddCommands = (parent, tasks) => {
  parent
    .command('drain')
    .description('Takes everything off a data server, or the clients off a session server, until it is safe to stop.')
    .argument('<server>', 'its address or incarnation, as members shows it')
    .option('--undo', 'it takes slots, or clients, again')
    .option('--fewer-replicas', 'also where too few data servers are left for as many replicas as are configured')
    .option('--wait <duration>', 'for how long to wait until it is safe to stop', readDuration, WAIT_MS)
    .option('--no-wait', 'only begin')
    .addHelpText(
      'after',
      examples(
        'rollcall drain 127.0.0.1:9620',
        'rollcall rebalance plan --drain 127.0.0.1:9620     what that would move',
        'rollcall drain 127.0.0.1:9620 --undo',
      ),
    )
    .action(tasks.of((run: Run, server: string, options: Options) => drain(run, server, options)));
};

async function drain(run: Run, server: string, options: Options): Promise<void> {
  const members = await run.cluster.members();
  const member = findMember(members, server);
  // One that is drained and gone has no name but its address.
  const isKnown = member !== undefined || members.drains.some(({ address }) => address === server);
  if (!isKnown) {
    const { nodes } = await run.cluster.metaNodes();
    if (nodes.some(({ id, about }) => id === server || about?.httpAddress === server))
      throw new WrongUsage(`${server} is a meta server: it holds nothing to drain. See rollcall raft remove.`);
    throw new WrongUsage(`No member is called ${server}: see rollcall members.`);
  }
  if (member?.role === 'session') {
    const api = run.cluster.at(member.httpAddress);
    return begin<SessionDrain>(run, member.address, options, {
      ...{ api, path: '/v1/drain' },
      left: ({ clients }) => `${counted(clients, 'client')} left`,
    });
  }
  const address = member?.address ?? server;
  return begin<Drain>(run, address, options, {
    api: await run.cluster.meta(),
    path: `/v1/members/${encodeURIComponent(address)}/drain`,
    ...(options.fewerReplicas ? { body: { fewerReplicas: true } } : {}),
    left: ({ left: { leads, follows, joins } }) => `leads ${leads}, follows ${follows}, joins ${joins}`,
  });
}

async function begin<State extends { safeToStop: boolean }>(
  run: Run,
  address: string,
  { undo, wait }: Options,
  { api, path, body, left }: Draining<State>,
): Promise<void> {
  if (undo) {
    const state = await api.change<State>('DELETE', path);
    return run.print(state, () => [`${address} is not drained any more`]);
  }
  let state = await api.change<State>('POST', path, body);
  const tell = (now: State): void => run.progress.tell(`${address}: ${left(now)}`);
  if (wait !== false && !state.safeToStop) {
    tell(state);
    const what = `${address} is not safe to stop yet`;
    state = await waitFor(run, { what, limitMs: wait }, async () => {
      const now = await api.get<State>(path);
      if (now.safeToStop) return now;
      tell(now);
      return undefined;
    });
  }
  run.print(state, () => [`${address} ${state.safeToStop ? 'is safe to stop' : `is draining: ${left(state)}`}`]);
}
