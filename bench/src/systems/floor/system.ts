import { fileURLToPath } from 'node:url';
import { freePorts, isListening } from '../../harness/processes.js';
import { ServerProcesses } from '../../harness/server-processes.js';
import type { Servers, System } from '../system.js';

const RELAY = fileURLToPath(new URL('./relay.main.js', import.meta.url));

/** What sockets and msgpack cost by themselves: what any system of this kind pays at least. */
export const floor: System = {
  name: 'floor',
  setup: 'two relays in Node.js one behind the other, which keep nothing, promise nothing and answer nothing',
  version: () => Promise.resolve(`on Node.js ${process.versions.node}`),
  start,
  clients: async (addresses) => new (await import('./clients.js')).FloorClients(addresses),
};

async function start(): Promise<Servers> {
  const [backPort, frontPort] = (await freePorts(2)) as [number, number];
  const processes = await ServerProcesses.in('floor');
  processes.start('back', process.execPath, [RELAY], { PORT: String(backPort) });
  await processes.ready(() => isListening(backPort));
  processes.start('front', process.execPath, [RELAY], { PORT: String(frontPort), BACK_PORT: String(backPort) });
  await processes.ready(() => isListening(frontPort));
  return {
    addresses: [`127.0.0.1:${frontPort}`],
    pids: processes.pids,
    stop: () => processes.stop(),
  };
}
