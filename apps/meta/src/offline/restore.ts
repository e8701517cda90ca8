import { readFile, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type Backup,
  type Capture,
  type Foundation,
  type NodeId,
  decodeBackup,
  foundation,
  layFoundation,
  readImage,
} from '#consensus';
import { type Env, RegistryError, randomId } from '#model';
import { parseAddress } from '#nest';
import { type MetaCommand, type MetaResult, type MetaState, continued, nextEra, transplanted } from '#registry';
import { LevelLogStore, NodeFile, isEmptyFolder } from '#store';
import { META_ENGINE } from '../raft/machine.js';
import { openFolder } from './folder.js';
import { alive, knock } from './others.js';
import { type StateReport, reportState } from './report.js';

/** A backup as it was read from its file. */
export interface ReadBackup extends Capture<MetaState, MetaResult> {
  about: Backup['about'];
  report: StateReport;
}

/** @throws RegistryError INVALID_BACKUP; what reading a file throws */
export async function readBackup(file: string): Promise<ReadBackup> {
  const backup = decodeBackup(await readFile(file));
  const image = readImage<MetaCommand, MetaState, MetaResult>(backup, META_ENGINE);
  const capture = { position: backup.position, image };
  return { ...capture, about: backup.about, report: reportState(capture) };
}

export interface RestoreOptions {
  backup: ReadBackup;
  /** All servers of the new group, and the folder to be made for each. */
  servers: { address: NodeId; folder: string }[];
  /**
   * `clusterId`: the same cluster goes on, and the operator says by its name that the meta servers it had are gone for good.
   * Left out, another cluster begins with what operators had decided.
   */
  sameCluster: string | undefined;
  env: Pick<Env, 'wallMs' | 'random'>;
  say: (line: string) => void;
}

export interface Restoration {
  clusterId: string;
  era: number;
}

/**
 * Fills an empty folder for each server of a new group, all with the same beginning. A folder that could not be finished is
 * emptied again.
 * @throws RegistryError BAD_REQUEST, STORE_*
 */
export async function restore(options: RestoreOptions): Promise<Restoration> {
  const { backup, servers, env, say } = options;
  const { state } = backup.image;
  await check(options);
  const era = nextEra(state, env.wallMs(), env.random);
  const next =
    options.sameCluster === undefined ? transplanted(state, era, randomId(env.random)) : continued(state, era);
  const voters = servers.map(({ address }) => address);
  const configuration = { voters, learners: [], era };
  const capture = { position: backup.position, image: { ...backup.image, state: next } };
  const begun = foundation(capture, { configuration, afterTerm: 0 }, META_ENGINE.codec);
  for (const { address, folder } of servers) {
    say(`Filling ${folder} for ${address} ...`);
    try {
      await fill(folder, address, voters, begun);
      await verify(folder, era);
    } catch (error) {
      await empty(folder);
      throw error;
    }
  }
  return { clusterId: next.table.clusterId, era };
}

/**
 * Who the server is goes first, with nobody in its group: a folder that is left half filled makes no group, whatever the
 * settings say. The whole group is named when the log is complete.
 */
async function fill(folder: string, id: NodeId, voters: NodeId[], begun: Foundation): Promise<void> {
  const file = new NodeFile(folder);
  await file.save({ id, bootstrap: { voters: [], learners: [] } });
  const store = new LevelLogStore(folder);
  await store.open();
  try {
    await layFoundation(store, begun);
  } finally {
    await store.close();
  }
  await file.save({ id, bootstrap: { voters, learners: [] } });
}

async function verify(folder: string, era: number): Promise<void> {
  const { log, close } = await openFolder(folder);
  await close();
  if (log.position.configuration.era !== era)
    throw new RegistryError('STORE_FAILED', `The folder ${folder} does not hold what was written to it.`);
}

async function check({ backup, servers, sameCluster, say }: RestoreOptions): Promise<void> {
  if (servers.length === 0) throw refusal('No server is named.');
  const addresses = servers.map(({ address }) => address);
  const folders = servers.map(({ folder }) => resolve(folder));
  for (const address of addresses)
    if ((parseAddress(address)?.port ?? 0) === 0) throw refusal(`${address} is not an address of the form host:port.`);
  if (new Set(addresses).size < servers.length) throw refusal('An address is named twice.');
  if (new Set(folders).size < servers.length) throw refusal('A folder is named twice.');
  const { clusterId, configuration } = backup.report;
  if (clusterId === '') throw refusal('The backup holds no cluster: it was taken before one was made.');
  if (sameCluster !== undefined && sameCluster !== clusterId)
    throw refusal(`The backup is of the cluster ${clusterId}, not of ${sameCluster || 'none'}.`);
  for (const { folder } of servers)
    if (!(await isEmptyFolder(folder))) throw refusal(`The folder ${folder} is not empty. Move away what is in it.`);
  if (sameCluster === undefined) return;
  say('Knocking at the meta servers of the cluster ...');
  const [living] = alive(await knock([...configuration.voters, ...configuration.learners, ...addresses]), clusterId);
  if (!living) return;
  throw refusal(
    `${living.address} answers: a meta server of the cluster ${clusterId} runs. Two groups of one cluster would each ` +
      'tell its members another truth. Stop it for good first.',
  );
}

/** It was empty before. */
async function empty(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
}

function refusal(message: string): RegistryError {
  return new RegistryError('BAD_REQUEST', message);
}
