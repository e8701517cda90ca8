import { freePorts, isListening, versionOf } from '../../harness/processes.js';
import { ServerProcesses } from '../../harness/server-processes.js';
import type { Servers, System } from '../system.js';

const REDIS = '/usr/bin/redis-server';

/** One process that replicates nothing: for scale. */
export const redis: System = {
  name: 'redis',
  setup:
    '1 process, unreplicated, with snapshots as it comes and no log; keys with expiry, of which a set for each topic tells, and a message ' +
    'of each change, through `redis`. A message that a subscriber misses is lost',
  needs: { files: [REDIS], install: 'apt-get install redis-server' },
  version: () => versionOf(REDIS, ['--version']),
  start,
  clients: async (addresses) => new (await import('./clients.js')).RedisClients(addresses),
  members: async (reach) => new (await import('./members.js')).RedisMembers(reach),
};

async function start(): Promise<Servers> {
  const [port] = (await freePorts(1)) as [number];
  const processes = await ServerProcesses.in('redis');
  // More than its own limit of 10,000, of which some are not for clients.
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', processes.folder, '--maxclients', '18000'];
  processes.start('redis', REDIS, args);
  await processes.ready(() => isListening(port));
  return { addresses: [`127.0.0.1:${port}`], pids: processes.pids, stop: () => processes.stop() };
}
