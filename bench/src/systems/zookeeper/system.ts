import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePorts } from '../../harness/processes.js';
import { ServerProcesses } from '../../harness/server-processes.js';
import type { Servers, System } from '../system.js';

const JAVA = '/usr/bin/java';
const JAR = '/usr/share/java/zookeeper.jar';
const NODES = 3;

/** Ephemeral nodes, and a watch on each as well as on their parent: a directory as service caches of its clients keep it. */
export const zookeeper: System = {
  name: 'zookeeper',
  setup:
    '3 servers, each of which syncs its log to disk before it answers; ephemeral nodes, a watch on each and on their parent, ' +
    'through `node-zookeeper-client`. A watch fires once: who is told reads the node and watches it again',
  needs: { files: [JAVA, JAR], install: 'apt-get install zookeeper' },
  version,
  start,
  clients: async (addresses) => {
    const { ZooKeeperClients } = await import('./clients.js');
    return new ZooKeeperClients(addresses);
  },
};

async function version(): Promise<string> {
  const { realpath } = await import('node:fs/promises');
  return /\d+\.\d+\.\d+/.exec(await realpath(JAR))?.[0] ?? 'unknown';
}

async function start(): Promise<Servers> {
  const ports = await freePorts(3 * NODES);
  const nodes = Array.from({ length: NODES }, (_, i) => ({
    id: i + 1,
    client: ports[3 * i]!,
    quorum: ports[3 * i + 1]!,
    election: ports[3 * i + 2]!,
  }));
  const processes = await ServerProcesses.in('zookeeper');
  for (const { id, client } of nodes) {
    const folder = join(processes.folder, String(id));
    await mkdir(folder);
    await writeFile(join(folder, 'myid'), `${id}\n`);
    const config = [
      // As the package has them.
      ...['tickTime=2000', 'initLimit=10', 'syncLimit=5'],
      ...[`dataDir=${folder}`, `clientPort=${client}`, 'clientPortAddress=127.0.0.1'],
      // More clients come from this one address than would from one machine; the port of an admin server would be taken twice.
      ...['maxClientCnxns=0', 'admin.enableServer=false', '4lw.commands.whitelist=srvr'],
      ...nodes.map((each) => `server.${each.id}=127.0.0.1:${each.quorum}:${each.election}`),
    ];
    await writeFile(join(folder, 'zoo.cfg'), `${config.join('\n')}\n`);
    processes.start(`zookeeper-${id}`, JAVA, [
      ...['-cp', `/etc/zookeeper/conf_example:${JAR}`, '-Dzookeeper.root.logger=WARN,CONSOLE'],
      ...['org.apache.zookeeper.server.quorum.QuorumPeerMain', join(folder, 'zoo.cfg')],
    ]);
  }
  await processes.ready(async () => (await Promise.all(nodes.map(({ client }) => hasMode(client)))).every(Boolean));
  return {
    addresses: nodes.map(({ client }) => `127.0.0.1:${client}`),
    pids: processes.pids,
    stop: () => processes.stop(),
  };
}

/** Whether it leads or follows, which it says once there is a leader. */
function hasMode(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('srvr'));
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(/Mode: (leader|follower)/.test(answer)));
  });
}
