import { VERSION } from '#model';
import { Cluster } from '../../cluster.js';
import { temporaryFolder } from '../../harness/folders.js';
import type { Servers, System } from '../system.js';

const SETUP =
  '3 meta servers, 3 data servers of which 2 hold each datum, 3 session servers; the registry is in the memory of data servers, ' +
  'and what meta servers decide is synced to disk';

/** With clients that do what the protocol demands and no more, on the sockets of the floor: what the servers cost. */
export const rollcall: System = {
  name: 'rollcall',
  setup: `${SETUP}; clients that do what the protocol demands and no more`,
  version: () => Promise.resolve(VERSION),
  start,
  clients: async (addresses) => new (await import('./clients.js')).RollcallClients(addresses),
};

/** As users have it, and so what compares with other systems through their own clients. */
export const rollcallSdk: System = {
  name: 'rollcall-sdk',
  setup: `${SETUP}; clients are Rollcall's SDK`,
  version: () => Promise.resolve(VERSION),
  start,
  clients: async (addresses) => new (await import('./sdk-clients.js')).SdkClients(addresses),
};

async function start(): Promise<Servers> {
  const folder = await temporaryFolder('rollcall');
  const cluster = await Cluster.open({
    ...{ dir: folder.path, meta: 3, data: 3, session: 3, basePort: 0 },
    env: { ROLLCALL_LOG_LEVEL: 'warn' },
  });
  try {
    await cluster.start();
  } catch (error) {
    folder.remove();
    throw error;
  }
  return {
    addresses: cluster.of('session').map(({ rpcAddress }) => rpcAddress),
    pids: Object.fromEntries(cluster.nodes.map(({ name, pid }) => [name, pid!])),
    async stop() {
      await cluster.kill();
      folder.remove();
    },
  };
}
