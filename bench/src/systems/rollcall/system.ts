import { VERSION } from '#model';
import { Cluster, balanced } from '../../cluster.js';
import { temporaryFolder } from '../../harness/folders.js';
import { endConnections } from '../../failover/request.js';
import type { Servers, System } from '../system.js';
import { RollcallControl } from './control.js';

/** Next to the floor, with clients on the same sockets that do what the protocol demands and no more: what the servers cost. */
export const rollcall: System = {
  name: 'rollcall',
  setup:
    '1 meta, 1 data and 1 session server, which replicate nothing; clients that do what the protocol demands and no more',
  version: () => Promise.resolve(VERSION),
  start: () => start(1),
  clients: async (addresses) => new (await import('./clients.js')).RollcallClients(addresses),
};

/** Next to other systems of as many nodes, and as users have it. */
export const rollcall3: System = {
  name: 'rollcall-3',
  setup:
    '3 meta, 3 data and 3 session servers; 2 data servers hold each registration in memory, and meta servers sync what they decide ' +
    "to disk; through Rollcall's SDK",
  version: () => Promise.resolve(VERSION),
  start: () => start(3),
  clients: async (addresses) => new (await import('./sdk-clients.js')).SdkClients(addresses),
  members: async (reach) => new (await import('./sdk-members.js')).SdkMembers(reach),
};

async function start(ofEachTier: number): Promise<Servers> {
  const folder = await temporaryFolder('rollcall');
  const cluster = await Cluster.open({
    ...{ dir: folder.path, meta: ofEachTier, data: ofEachTier, session: ofEachTier, basePort: 0 },
    env: { ROLLCALL_LOG_LEVEL: 'warn' },
  });
  // Before the folder is removed, in which servers would go on writing.
  const end = (): void => {
    for (const { pid } of cluster.nodes) if (pid !== undefined) process.kill(pid, 'SIGKILL');
  };
  process.prependOnceListener('exit', end);
  try {
    await cluster.start();
    // Servers that come one after another have slots moved between them for some seconds.
    await balanced(() => cluster.of('meta')[0]!);
  } catch (error) {
    process.off('exit', end);
    folder.remove();
    throw error;
  }
  return {
    addresses: cluster.of('session').map(({ rpcAddress }) => rpcAddress),
    pids: Object.fromEntries(cluster.nodes.map(({ name, pid }) => [name, pid!])),
    ...(ofEachTier > 1 ? { control: new RollcallControl(cluster) } : {}),
    async stop() {
      endConnections();
      await cluster.kill();
      process.off('exit', end);
      folder.remove();
    },
  };
}
