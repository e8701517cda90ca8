import { RegistryError } from '#model';
import type { Logger } from '../host/logger.js';
import { formatAddress, isLoopback, parseAddress } from './address.js';
import { variableOf } from './environment.js';
import type { Config } from './load.js';
import { isWildcard } from './rules.js';
import { type NetworkInterface, SYSTEM, type Surroundings } from './surroundings.js';

/** What a server tells others of itself is known. */
export type Advertised<C extends Config> = Omit<C, 'advertisedHost'> & { advertisedHost: string };

/** The host that is told to others, and why that one. */
export interface Choice {
  host: string;
  reason: string;
  /** Why it may be the wrong one, and what to set then. */
  doubt?: string;
}

/**
 * Settles at which host others reach this server, and says so in one line of the log.
 * @throws RegistryError INVALID_CONFIGURATION where there are several, and nothing that tells which
 */
export async function advertise<C extends Config>(
  config: C,
  logger: Logger,
  surroundings: Surroundings = SYSTEM,
): Promise<Advertised<C>> {
  const { host, reason, doubt } = await chooseAdvertised(config, surroundings);
  if (doubt === undefined) logger.info('advertised-address', { host, reason });
  else logger.warn('advertised-address-doubtful', { host, reason, doubt, advice: `Set ${settingOf(config)}.` });
  const { cluster } = config;
  // A group of one that was not told where it is.
  const metaAddresses =
    cluster.metaAddresses.length > 0 ? cluster.metaAddresses : [formatAddress(host, config.rpcPort)];
  return { ...config, advertisedHost: host, cluster: { ...cluster, metaAddresses } } as Advertised<C>;
}

export async function chooseAdvertised(config: Config, surroundings: Surroundings = SYSTEM): Promise<Choice> {
  const chosen = await choose(config, surroundings);
  const doubt = await doubtOf(chosen.host, config, surroundings);
  return { ...chosen, ...(doubt === undefined ? {} : { doubt }) };
}

async function choose(config: Config, surroundings: Surroundings): Promise<Choice> {
  const { tier, advertisedHost, host } = config;
  if (advertisedHost !== undefined) return { host: advertisedHost, reason: `${tier}.advertisedHost` };
  if (!isWildcard(host)) return { host, reason: `${tier}.host` };
  return (await byMeta(config, surroundings)) ?? onlyOne(config, surroundings.interfaces());
}

/** A meta server is in the list of them; the others reach meta over the network that it is in. */
async function byMeta({ tier, rpcPort, cluster }: Config, surroundings: Surroundings): Promise<Choice | undefined> {
  for (const address of cluster.metaAddresses) {
    const { host, port } = parseAddress(address)!;
    if (tier !== 'meta') {
      const own = await surroundings.towards(host, port);
      if (own !== undefined && !isLoopback(own)) return { host: own, reason: `meta at ${address} is reached by it` };
    } else if (port === rpcPort && (await isOwn(host, surroundings)))
      return { host, reason: 'cluster.metaAddresses names it' };
  }
  return undefined;
}

function onlyOne(config: Config, interfaces: readonly NetworkInterface[]): Choice {
  const outer = interfaces.filter((one) => !one.internal && !isBridge(one.name) && !isLinkLocal(one.address));
  const version4 = outer.filter(({ address }) => !address.includes(':'));
  const candidates = version4.length > 0 || config.host === '0.0.0.0' ? version4 : outer;
  if (candidates.length === 0) return { host: LOOPBACK, reason: 'this machine has no other address' };
  if (candidates.length === 1) {
    const { address, name } = candidates[0]!;
    return { host: address, reason: `the only address of this machine that others may reach (${name})` };
  }
  const all = candidates.map(({ address, name }) => `${address} (${name})`).join(', ');
  throw new RegistryError(
    'INVALID_CONFIGURATION',
    `${config.tier}.host is ${config.host}, and this machine has several addresses at which others may reach it: ${all}. ` +
      `Set ${settingOf(config)} to the right one.`,
  );
}

const LOOPBACK = '127.0.0.1';
/** Networks that container engines and hypervisors make inside one machine. */
const BRIDGES = /^(docker|br-|cni|cbr|podman|virbr|lxcbr|lxdbr|flannel|cali|veth)/;

function isBridge(interfaceName: string): boolean {
  return BRIDGES.test(interfaceName);
}

function isLinkLocal(address: string): boolean {
  return /^(169\.254\.|fe80:)/i.test(address);
}

async function doubtOf(host: string, { cluster }: Config, surroundings: Surroundings): Promise<string | undefined> {
  if (isLoopback(host)) {
    for (const address of cluster.metaAddresses) {
      const other = parseAddress(address)!.host;
      if (!isLoopback(other) && !(await isOwn(other, surroundings)))
        return `It leads nowhere but to this machine, and meta at ${address} is on another.`;
    }
    return undefined;
  }
  const bridge = surroundings.interfaces().find(({ name, address }) => address === host && isBridge(name));
  if (bridge) return `It is that of ${bridge.name}, a network inside this machine, which other machines do not reach.`;
  if (host.startsWith('172.17.'))
    return 'It is of the network that Docker makes inside a machine, which other machines do not reach.';
  return undefined;
}

/** Whether a host of meta is this machine. A name that nobody can resolve just now is taken for another. */
async function isOwn(host: string, surroundings: Surroundings): Promise<boolean> {
  const addresses = await surroundings.resolve(host);
  return surroundings.interfaces().some(({ address }) => addresses.includes(address));
}

function settingOf({ tier }: Config): string {
  return `${tier}.advertisedHost (${variableOf([tier, 'advertisedHost'])})`;
}
