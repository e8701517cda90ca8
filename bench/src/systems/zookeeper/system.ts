import { mkdir, readdir, realpath, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { ElectedControl } from '../../harness/elected-control.js';
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
  members: async (reach) => new (await import('./members.js')).ZooKeeperMembers(reach),
};

/** Beside the archive there is a link to it, or it is one itself, whose name has the version. */
async function version(): Promise<string> {
  const names = [await realpath(JAR), ...(await readdir(dirname(JAR)))];
  return names.map((name) => /zookeeper-(\d+\.\d+\.\d+)\.jar$/.exec(name)?.[1]).find(Boolean) ?? 'unknown';
}

async function start(): Promise<Servers> {
  const ports = await freePorts(3 * NODES);
  const nodes = Array.from({ length: NODES }, (_, i) => ({
    ...{ id: i + 1, name: `zookeeper-${i + 1}` },
    client: ports[3 * i]!,
    quorum: ports[3 * i + 1]!,
    election: ports[3 * i + 2]!,
  }));
  const processes = await ServerProcesses.in('zookeeper');
  for (const { id, name, client } of nodes) {
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
    processes.start(name, JAVA, [
      ...['-cp', `/etc/zookeeper/conf_example:${JAR}`, '-Dzookeeper.root.logger=WARN,CONSOLE'],
      ...['org.apache.zookeeper.server.quorum.QuorumPeerMain', join(folder, 'zoo.cfg')],
    ]);
  }
  const modes = (): Promise<Mode[]> => Promise.all(nodes.map(({ client }) => modeOf(client)));
  const isWell = async (): Promise<boolean> => (await modes()).every((mode) => mode !== undefined);
  await processes.ready(isWell);
  const leader = async (): Promise<string | undefined> => nodes[(await modes()).indexOf('leader')]?.name;
  return {
    addresses: nodes.map(({ client }) => `127.0.0.1:${client}`),
    pids: processes.pids,
    control: new ElectedControl(processes, { names: nodes.map(({ name }) => name), leader, isWell }),
    stop: () => processes.stop(),
  };
}

type Mode = 'leader' | 'follower' | undefined;

/** Whether it leads or follows, which it says once there is a leader. */
function modeOf(port: number): Promise<Mode> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('srvr'));
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => resolve(/Mode: (leader|follower)/.exec(answer)?.[1] as Mode));
  });
}
