import { freePorts, isListening, versionOf } from '../../harness/processes.js';
import { ServerProcesses } from '../../harness/server-processes.js';
import type { Servers, System } from '../system.js';

const NATS = '/usr/sbin/nats-server';
const NODES = 3;

/** A bucket of JetStream's key-value store, watched by prefix. */
export const nats: System = {
  name: 'nats',
  setup:
    '3 servers, a JetStream bucket of 3 replicas in files, which are synced every two minutes; through `@nats-io/kv`. Keys would go ' +
    'with the time to live of the bucket, so each would have to be written again all the time; here none is',
  needs: { files: [NATS], install: 'apt-get install nats-server' },
  version: () => versionOf(NATS, ['--version']),
  start,
  clients: async (addresses) => {
    const { NatsClients, prepare } = await import('./clients.js');
    await prepare(addresses);
    return new NatsClients(addresses);
  },
};

async function start(): Promise<Servers> {
  const ports = await freePorts(3 * NODES);
  const nodes = Array.from({ length: NODES }, (_, i) => ({
    name: `nats-${i + 1}`,
    client: ports[3 * i]!,
    cluster: ports[3 * i + 1]!,
    monitor: ports[3 * i + 2]!,
  }));
  const routes = nodes.map(({ cluster }) => `nats://127.0.0.1:${cluster}`).join(',');
  const processes = await ServerProcesses.in('nats');
  for (const { name, client, cluster, monitor } of nodes)
    processes.start(name, NATS, [
      ...['--name', name, '--addr', '127.0.0.1', '--port', String(client), '--http_port', String(monitor)],
      ...['--cluster_name', 'bench', '--cluster', `nats://127.0.0.1:${cluster}`, '--routes', routes],
      ...['--jetstream', '--store_dir', name],
    ]);
  await processes.ready(async () => {
    const all = await Promise.all(
      nodes.map(async (node) => (await isListening(node.client)) && isHealthy(node.monitor)),
    );
    return all.every(Boolean);
  });
  return {
    addresses: nodes.map(({ client }) => `127.0.0.1:${client}`),
    pids: processes.pids,
    stop: () => processes.stop(),
  };
}

/** Which it is when it takes part in the group that leads JetStream. */
function isHealthy(monitor: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${monitor}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );
}
