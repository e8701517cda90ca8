import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface NetworkInterface {
  name: string;
  address: string;
  /** Only this machine is reached by it. */
  internal: boolean;
}

/** The network as this machine sees it. Whatever cannot be found out within two seconds is not known. */
export interface Surroundings {
  interfaces(): NetworkInterface[];
  /** The addresses of a host; none where it is unknown. */
  resolve(host: string): Promise<string[]>;
  /** The own address from which this one would be reached. Nothing is sent. */
  towards(host: string, port: number): Promise<string | undefined>;
}

const PATIENCE_MS = 2_000;

export const SYSTEM: Surroundings = {
  interfaces: () =>
    Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
      addresses.map(({ address, internal }) => ({ name, address, internal })),
    ),

  resolve: async (host) => {
    const plain = host.replace(/^\[|\]$/g, '');
    if (isIP(plain)) return [plain];
    const found = await patiently(lookup(plain, { all: true }));
    return (found ?? []).map(({ address }) => address);
  },

  towards: async (host, port) => {
    const [address] = await SYSTEM.resolve(host);
    if (address === undefined) return undefined;
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    try {
      // The system chooses the route, and with it the address, when such a socket is connected.
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.connect(port, address, resolve);
      });
      return socket.address().address;
    } catch {
      return undefined;
    } finally {
      socket.close();
    }
  },
};

async function patiently<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), PATIENCE_MS)));
  return Promise.race([work.catch(() => undefined), late]).finally(() => clearTimeout(timer));
}
