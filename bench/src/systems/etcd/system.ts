import { ElectedControl } from '../../harness/elected-control.js';
import { freePorts, versionOf } from '../../harness/processes.js';
import { ServerProcesses } from '../../harness/server-processes.js';
import type { Servers, System } from '../system.js';

const ETCD = '/usr/bin/etcd';
const NODES = 3;

/** Keys bound to leases, watched by prefix: how services are registered in etcd. */
export const etcd: System = {
  name: 'etcd',
  setup:
    '3 members, each of which syncs its log to disk before it answers; keys with leases, watches by prefix, through `etcd3`',
  needs: { files: [ETCD], install: 'apt-get install etcd-server' },
  version: () => versionOf(ETCD, ['--version']),
  start,
  clients: async (addresses) => new (await import('./clients.js')).EtcdClients(addresses),
  members: async (reach) => new (await import('./members.js')).EtcdMembers(reach),
};

async function start(): Promise<Servers> {
  const ports = await freePorts(2 * NODES);
  const members = Array.from({ length: NODES }, (_, i) => ({
    name: `etcd-${i + 1}`,
    client: `http://127.0.0.1:${ports[2 * i]}`,
    peer: `http://127.0.0.1:${ports[2 * i + 1]}`,
  }));
  const processes = await ServerProcesses.in('etcd');
  for (const { name, client, peer } of members)
    processes.start(name, ETCD, [
      ...['--name', name, '--data-dir', name, '--logger', 'zap', '--log-level', 'warn'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', members.map((each) => `${each.name}=${each.peer}`).join(',')],
    ]);
  const isWell = async (): Promise<boolean> =>
    (await Promise.all(members.map(({ client }) => isHealthy(client)))).every(Boolean);
  await processes.ready(isWell);
  const leader = async (): Promise<string | undefined> => {
    const leading = await Promise.all(members.map(({ client }) => isLeader(client)));
    return members[leading.indexOf(true)]?.name;
  };
  return {
    addresses: members.map(({ client }) => client.slice('http://'.length)),
    pids: processes.pids,
    control: new ElectedControl(processes, { names: members.map(({ name }) => name), leader, isWell }),
    stop: () => processes.stop(),
  };
}

function isHealthy(client: string): Promise<boolean> {
  return fetch(`${client}/health`).then(
    async (response) => ((await response.json()) as { health: string }).health === 'true',
    () => false,
  );
}

/** As it says itself. */
function isLeader(client: string): Promise<boolean> {
  return fetch(`${client}/v3/maintenance/status`, { method: 'POST', body: '{}' }).then(
    async (response) => {
      const status = (await response.json()) as { leader?: string; header?: { member_id: string } };
      return status.leader !== undefined && status.leader === status.header?.member_id;
    },
    () => false,
  );
}
