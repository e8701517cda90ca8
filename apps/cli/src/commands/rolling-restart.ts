import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CliFailure, WrongUsage } from '../failures.js';
import { counted, duration } from '../output/duration.js';
import { table } from '../output/table.js';
import type { Members, Slots } from '../servers/answers.js';
import { countStates } from '../servers/slots.js';
import { askMeta, askOverRpc } from '../servers/cluster.js';
import type { Run } from '../run.js';
import { waitFor } from '../wait.js';
import { type AddCommands, examples, readDuration } from './command.js';

interface Options {
  plan?: true;
  exec?: string;
  role?: string;
  wait: number;
}

/** One server that is restarted, in its turn. */
interface Step {
  role: 'meta' | 'data' | 'session';
  /** RPC and HTTP. */
  address: string;
  httpAddress: string;
  incarnation: string;
  /** Whether the lead is handed over first, and to whom. */
  handOverTo?: string;
}

const WAIT_MS = 300_000;

export const addRollingRestart: AddCommands = (parent, tasks) => {
  parent
    .command('rolling-restart')
    .description('Restarts every server of the cluster, one after the other, so that no client notices.')
    .option('--plan', 'only show the order, and what is waited for')
    .option(
      '--exec <command>',
      'what restarts one: run by a shell with ROLLCALL_ROLE and ROLLCALL_SERVER in its environment',
    )
    .option('--role <role>', 'servers of one tier only: meta, data or session')
    .option('--wait <duration>', 'for how long to wait for each', readDuration, WAIT_MS)
    .addHelpText(
      'after',
      `
The command of --exec must stop the server with SIGTERM and start it again. A session server sends its clients elsewhere
first, by itself, so it may take a minute. Whatever fails ends the restart there, with nothing else stopped.
${examples(
  'rollcall rolling-restart --plan',
  `rollcall rolling-restart --exec 'ssh "\${ROLLCALL_SERVER%:*}" systemctl restart "rollcall-$ROLLCALL_ROLE"'`,
)}`,
    )
    .action(tasks.of((run: Run, options: Options) => rollingRestart(run, options)));
};

async function rollingRestart(run: Run, options: Options): Promise<void> {
  const steps = (await stepsOf(run)).filter(({ role }) => options.role === undefined || role === options.role);
  if (options.plan) return printPlan(run, steps);
  const { exec } = options;
  if (exec === undefined) throw new WrongUsage('How is a server restarted? Say so with --exec COMMAND; or see --plan.');
  const startMs = performance.now();
  for (const [at, step] of steps.entries()) {
    const name = `${at + 1}/${steps.length} ${step.role} ${step.address}`;
    await settled(run, name, options.wait);
    if (step.handOverTo) await handOver(run, step);
    run.progress.tell(`${name}: restarting`);
    await execute(run, exec, step);
    await restarted(run, name, step, options.wait);
    await settled(run, name, options.wait);
    if (!run.isJson) run.print(undefined, () => [`${name}  restarted`]);
  }
  const took = duration(performance.now() - startMs);
  run.print({ restarted: steps.map(({ address }) => address) }, () => [
    `${counted(steps.length, 'server')} restarted in ${took}`,
  ]);
}

/** Of meta the leader last, so that the lead is handed over once; then those that hold, then those that serve. */
async function stepsOf(run: Run): Promise<Step[]> {
  const [{ members }, { status, nodes }] = await Promise.all([run.cluster.members(), run.cluster.metaNodes()]);
  const meta = nodes.map(({ id, about, unanswered }): Step => {
    if (!about)
      throw new CliFailure(`The meta server ${id} does not answer: ${unanswered}. First see rollcall doctor.`);
    return { role: 'meta', address: id, httpAddress: about.httpAddress, incarnation: about.incarnation ?? '' };
  });
  const leader = meta.find(({ address }) => address === status.leader);
  const followers = meta.filter((step) => step !== leader);
  const heir = followers.find(({ address }) => status.configuration.voters.includes(address));
  const of = (wanted: 'data' | 'session'): Step[] =>
    members.flatMap(({ role, address, httpAddress, incarnation }) =>
      role === wanted ? [{ role: wanted, address, httpAddress, incarnation }] : [],
    );
  const last = leader ? [{ ...leader, ...(heir ? { handOverTo: heir.address } : {}) }] : [];
  return [...followers, ...last, ...of('data'), ...of('session')];
}

const WAITED_FOR = {
  meta: 'it is ready, and in the group with the others',
  data: 'it is a member, and every slot has all its replicas',
  session: 'it is a member, and ready',
} as const;

function printPlan(run: Run, steps: readonly Step[]): void {
  run.print({ steps: steps.map((step) => ({ ...step, waitFor: WAITED_FOR[step.role] })) }, () => [
    ...table(
      run.paint,
      ['', 'SERVER', 'FIRST', 'RESTART IT, AND WAIT UNTIL'],
      steps.map(({ role, address, handOverTo }, at) => [
        ...[at + 1, `${role} ${address}`, handOverTo ? `rollcall raft transfer ${handOverTo}` : '', WAITED_FOR[role]],
      ]),
    ),
    '',
    'Stop each with SIGTERM, and wait with rollcall doctor --wait 5m; or let all of it be done: --exec COMMAND.',
  ]);
}

/** Nothing that stops next may be what others lack: every voter is there, and every replica. */
async function settled(run: Run, name: string, limitMs: number): Promise<void> {
  const waiting = { what: `${name}: the cluster has not settled`, limitMs };
  await waitFor(run, waiting, async () => {
    const [slots, { status, nodes }] = await Promise.all([tableOf(run), run.cluster.metaNodes()]);
    const counts = countStates(slots);
    const lacking = counts['no leader'] + counts['under-replicated'];
    const silent = nodes.filter(({ about }) => !about).length;
    if (lacking === 0 && silent === 0 && status.leader !== null) return true;
    run.progress.tell(
      `${name}: ${counted(lacking, 'slot')} without all replicas, ${counted(silent, 'meta server')} silent`,
    );
    return undefined;
  });
}

/** Whoever is asked may be the one that is restarted, so the next time another is. */
async function tableOf(run: Run): Promise<Slots> {
  try {
    return await (await run.cluster.meta()).get<Slots>('/v1/slots');
  } catch (error) {
    run.cluster.forget('meta');
    throw error;
  }
}

async function handOver(run: Run, { handOverTo }: Step): Promise<void> {
  const { status } = await run.cluster.metaNodes();
  if (status.leader === handOverTo) return;
  await (await run.cluster.meta()).once('POST', '/v1/raft/leader', { node: handOverTo });
}

async function execute(run: Run, command: string, { role, address, httpAddress }: Step): Promise<void> {
  const child = spawn(command, {
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ROLLCALL_ROLE: role, ROLLCALL_SERVER: address, ROLLCALL_SERVER_HTTP: httpAddress },
    signal: run.signal,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000)));
  // Not until its output is closed: a server that it starts may keep that.
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0)
    throw new CliFailure(
      `The command for ${role} ${address} ended with ${code}; nothing else has been stopped. ${said.trim()}`,
    );
}

async function restarted(run: Run, name: string, step: Step, limitMs: number): Promise<void> {
  const waiting = { what: `${name}: it is not back`, limitMs };
  await waitFor(run, waiting, async () => {
    run.progress.tell(`${name}: waiting until it serves`);
    const about = await (step.role === 'meta' ? askMeta(step.address).then((node) => node.about) : alive(step.address));
    if (!about?.incarnation || about.incarnation === step.incarnation) return undefined;
    if (!(await isReady(run, about.httpAddress))) return undefined;
    return step.role === 'meta' || (await isMember(run, about.incarnation)) ? true : undefined;
  });
}

async function alive(address: string): Promise<Awaited<ReturnType<typeof askOverRpc>> | undefined> {
  return askOverRpc(address).catch(() => undefined);
}

async function isReady(run: Run, httpAddress: string): Promise<boolean> {
  const answer = run.cluster.at(httpAddress).get('/health/ready', {}, 2_000);
  return answer.then(
    () => true,
    () => false,
  );
}

async function isMember(run: Run, incarnation: string): Promise<boolean> {
  const { members } = await (await run.cluster.meta()).get<Members>('/v1/members');
  return members.some((member) => member.incarnation === incarnation);
}
