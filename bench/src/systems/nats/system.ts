import { ElectedControl } from '../../harness/elected-control.js';
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
  members: async (reach) => {
    const [{ NatsMembers }, { prepare }] = await Promise.all([import('./members.js'), import('./clients.js')]);
    await prepare(reach.addresses);
    return new NatsMembers(reach);
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
  const isWell = async (): Promise<boolean> => {
    const all = await Promise.all(
      nodes.map(async (node) => (await isListening(node.client)) && isHealthy(node.monitor)),
    );
    return all.every(Boolean);
  };
  await processes.ready(isWell);
  const monitors = nodes.map(({ monitor }) => monitor);
  return {
    addresses: nodes.map(({ client }) => `127.0.0.1:${client}`),
    pids: processes.pids,
    control: new ElectedControl(processes, {
      names: nodes.map(({ name }) => name),
      leader: async () => (await bucketOf(monitors))?.leader,
      isWell: async () =>
        (await isWell()) && ((await bucketOf(monitors))?.replicas ?? []).filter(isCurrent).length === NODES - 1,
    }),
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

interface Replica {
  current: boolean;
  offline?: boolean;
}
interface Stream {
  name: string;
  cluster?: { leader?: string; replicas?: Replica[] };
}

function isCurrent({ current, offline }: Replica): boolean {
  return current && offline !== true;
}

/** Who leads the stream behind the bucket, and who follows, as its leader says: the others need not know how it is. */
async function bucketOf(monitors: readonly number[]): Promise<{ leader: string; replicas: Replica[] } | undefined> {
  const told = await Promise.all(monitors.map(streamsOf));
  for (const { server, streams } of told)
    for (const { cluster } of streams)
      if (cluster?.leader === server) return { leader: server, replicas: cluster.replicas ?? [] };
  return undefined;
}

async function streamsOf(monitor: number): Promise<{ server: string; streams: Stream[] }> {
  try {
    const at = (path: string): Promise<unknown> =>
      fetch(`http://127.0.0.1:${monitor}${path}`).then((response) => response.json());
    const [about, jetStream] = await Promise.all([at('/varz'), at('/jsz?accounts=true&streams=true')]);
    const accounts = (jetStream as { account_details?: { stream_detail?: Stream[] }[] }).account_details ?? [];
    return {
      server: (about as { server_name: string }).server_name,
      streams: accounts.flatMap(({ stream_detail }) => stream_detail ?? []),
    };
  } catch {
    return { server: '', streams: [] };
  }
}
