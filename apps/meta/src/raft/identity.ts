import type { Configuration } from '#consensus';
import { RegistryError, type RoutingTable } from '#model';
import { type Advertised, type Config, type Logger, formatAddress } from '#nest';
import { NodeFile, type NodeIdentity } from '#store';

/**
 * Who this node is. The id of a node is the address at which the others reach it, as it stands in the list that makes
 * the group; so the id of a leader is where to find it. It is written down when the folder is made and stays: a vote
 * and a log belong to it. The settings make a group; once it exists, they no longer say who is in it.
 *
 * A group of one is reached by its members only, who need no id for that; so it may move to another address and keep
 * its id. Port 0, for tests, stays 0 in the id.
 *
 * A server that is to join makes no group: with nobody in its configuration it never stands for election, and learns who
 * is in the group from the leader that adds it.
 * @throws RegistryError INVALID_CONFIGURATION, STORE_CORRUPT, STORE_FAILED
 */
export async function identify(config: Advertised<Config<'meta'>>, logger: Logger): Promise<NodeIdentity> {
  const { advertisedHost, rpcPort, dataDir, cluster, join } = config;
  const address = formatAddress(advertisedHost, rpcPort);
  const voters = cluster.metaAddresses;
  if (!join && !voters.includes(address)) {
    throw invalid(
      `This meta server is reached at ${address} (meta.advertisedHost or else meta.host, and meta.rpcPort), which ` +
        `cluster.metaAddresses does not name: ${voters.join(', ')}. Correct one of them; both must be spelled alike. ` +
        'A server that comes to a group that exists needs meta.join.',
    );
  }
  if (new Set(voters).size < voters.length)
    throw invalid(`cluster.metaAddresses names a meta server twice: ${voters.join(', ')}. Name each once.`);
  if (join && rpcPort === 0)
    throw invalid('meta.rpcPort is 0, and meta.join is set: the others find this server by its port, so choose one.');
  const file = new NodeFile(dataDir);
  const known = await file.load();
  if (!known) {
    const identity = { id: address, bootstrap: { voters: join ? [] : voters, learners: [] } };
    await file.save(identity);
    return identity;
  }
  if (known.id !== address) {
    if (voters.length > 1 || known.bootstrap.voters.length !== 1) {
      throw invalid(
        `The folder ${dataDir} is that of the meta server ${known.id}, and this one is ${address}. Give it the address ` +
          'it had (meta.advertisedHost or meta.host, and meta.rpcPort), or choose another folder (meta.dataDir).',
      );
    }
    logger.info('address-changed', { id: known.id, address });
  }
  return known;
}

/**
 * A group of one whose settings name more would go on alone while the others make a second group without it. A group that
 * was recovered or restored was made so by an operator, and its settings may still be the old ones.
 * @param held the configuration that the node has found in its folder
 * @throws RegistryError INVALID_CONFIGURATION
 */
export function checkGroup(config: Config<'meta'>, { voters, outgoing, learners, era }: Configuration): void {
  const { metaAddresses } = config.cluster;
  if (era !== undefined || voters.length !== 1 || outgoing || learners.length > 0 || metaAddresses.length === 1) return;
  throw invalid(
    `The folder ${config.dataDir} holds a meta group of one, and cluster.metaAddresses names ${metaAddresses.length} ` +
      'servers. A group does not grow by its settings: name only this server, or begin with empty folders on all.',
  );
}

/**
 * The slots of a cluster are as many as it was made with, and publications are found by that. A setting that says otherwise is
 * somebody's mistake, and whoever made it should not believe that it had an effect.
 * @throws RegistryError INVALID_CONFIGURATION
 */
export function checkSlotCount(config: Pick<Config<'meta'>, 'cluster'>, { slots }: Pick<RoutingTable, 'slots'>): void {
  const { slotCount } = config.cluster;
  if (slots.length === slotCount) return;
  throw invalid(
    `cluster.slotCount is ${slotCount}, and this cluster was made with ${slots.length} slots, which stays so. Set ` +
      `cluster.slotCount (ROLLCALL_CLUSTER_SLOT_COUNT) to ${slots.length}.`,
  );
}

function invalid(message: string): RegistryError {
  return new RegistryError('INVALID_CONFIGURATION', message);
}
