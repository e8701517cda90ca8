import { type Configuration, foundation, layFoundation } from '#consensus';
import { type Env, RegistryError } from '#model';
import { continued, nextEra } from '#registry';
import { copyFolder } from '#store';
import { META_ENGINE } from '../raft/machine.js';
import { type MetaFolder, openFolder } from './folder.js';
import { type Knock, alive, knock } from './others.js';
import { type FolderReport, reportFolder } from './report.js';

export interface RecoverOptions {
  folder: string;
  env: Pick<Env, 'wallMs' | 'random'>;
  /** Told what is being done. */
  say: (line: string) => void;
}

/** What the survivor has, and whether the others answer. */
export interface RecoveryPlan {
  report: FolderReport;
  others: Knock[];
  /** Why it cannot be done; undefined when only the confirmation is missing. */
  obstacle: RegistryError | undefined;
}

export interface Recovery {
  report: FolderReport;
  era: number;
  /** Where the folder is as it was. */
  copy: string;
}

/** Looks, and changes nothing. @throws RegistryError as `openFolder` */
export async function planRecovery({ folder, say }: Pick<RecoverOptions, 'folder' | 'say'>): Promise<RecoveryPlan> {
  const opened = await openFolder(folder);
  await opened.close();
  const report = reportFolder(opened);
  say(`Knocking at the other meta servers ...`);
  const others = await knock(membersOf(report.configuration).filter((id) => id !== report.id));
  return { report, others, obstacle: obstacle(report, others) };
}

/**
 * Makes the server whose folder this is a group of its own, in a later era of the cluster: with the state after the last
 * entry that it has. It refuses while one of the others can be reached.
 * @param confirmed the clusterId, by which the operator says that the others are gone for good
 * @throws RegistryError as `openFolder`, and BAD_REQUEST
 */
export async function recover(options: RecoverOptions, confirmed: string): Promise<Recovery> {
  const { folder, env, say } = options;
  const plan = await planRecovery(options);
  if (plan.obstacle) throw plan.obstacle;
  const { clusterId } = plan.report;
  if (confirmed !== clusterId)
    throw refusal(`The cluster of this folder is ${clusterId}, and you confirmed that of ${confirmed || 'none'}.`);
  const copy = `${folder.replace(/[\\/]+$/, '')}.before-recovery-${timestamp(env.wallMs())}`;
  say(`Copying the folder to ${copy} ...`);
  await copyFolder(folder, copy);
  const opened = await openFolder(folder);
  try {
    if (opened.log.position.index !== plan.report.index)
      throw refusal('The log has grown since it was looked at: the server was started meanwhile.');
    const era = await beginEra(opened, env);
    say(`Written. Verifying ...`);
    return { report: await verified(opened, era), era, copy };
  } finally {
    await opened.close();
  }
}

async function beginEra({ log, identity, store }: MetaFolder, env: RecoverOptions['env']): Promise<number> {
  const { position, image, term } = log;
  const era = nextEra(image.state, env.wallMs(), env.random);
  const capture = { position, image: { ...image, state: continued(image.state, era) } };
  const configuration = { voters: [identity.id], learners: [], era };
  await layFoundation(store, foundation(capture, { configuration, afterTerm: term }, META_ENGINE.codec));
  return era;
}

/** What is on the disk now, read again. */
async function verified(opened: MetaFolder, era: number): Promise<FolderReport> {
  await opened.close();
  const again = await openFolder(opened.path);
  await again.close();
  const report = reportFolder(again);
  if (report.era !== era) throw new RegistryError('STORE_FAILED', `The folder ${opened.path} was not changed.`);
  return report;
}

function obstacle(report: FolderReport, others: readonly Knock[]): RegistryError | undefined {
  const { id, clusterId, configuration } = report;
  const { voters, outgoing } = configuration;
  if (clusterId === '') return refusal('No cluster has been made yet, so there is nothing to recover.');
  if (!membersOf(configuration).includes(id))
    return refusal(`The server ${id} is not in the group that its log knows, so it has been removed; use another.`);
  if (voters.length === 1 && voters[0] === id && !outgoing)
    return refusal(`The server ${id} is a group of one: nobody else is needed, so just start it.`);
  const [living] = alive(others, clusterId);
  if (!living) return undefined;
  if ((living.hello!.era ?? 0) > report.era)
    return refusal(
      `${living.address} answers, and belongs to a later era of this cluster: it has been recovered already.`,
    );
  return refusal(
    `${living.address} answers, so it is not gone. Start what is left of the group and see whether it elects a leader; ` +
      'if this server is to go on without it, stop it for good first.',
  );
}

function membersOf({ voters, outgoing = [], learners }: Configuration): string[] {
  return [...new Set([...voters, ...outgoing, ...learners])];
}

function refusal(message: string): RegistryError {
  return new RegistryError('BAD_REQUEST', message);
}

function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
}
