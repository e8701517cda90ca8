import { RpcConnection } from '#client';
import { RegistryError } from '#model';
import { formatAddress, parseAddress } from '../config/address.js';
import type { Advertised } from '../config/advertised.js';
import type { Config } from '../config/load.js';

/** Nobody there has this pattern; but a server of Rollcall says so. */
const PATTERN = 'server.areYouThere';
const PATIENCE_MS = 1_000;

/**
 * A server that tells others the address of another would be taken for that one: a meta server votes in its name, a data
 * server is given its slots. Before this server listens, whoever answers there is another. Where it listens at the address
 * that it tells, the system sees to that.
 * @throws RegistryError INVALID_CONFIGURATION
 */
export async function refuseTakenAddress(config: Advertised<Config>): Promise<void> {
  const { tier, host, advertisedHost, rpcPort } = config;
  if (advertisedHost === host || rpcPort === 0 || !(await isAnswered(formatAddress(advertisedHost, rpcPort)))) return;
  throw new RegistryError(
    'INVALID_CONFIGURATION',
    `This ${tier} server is to be reached at ${formatAddress(advertisedHost, rpcPort)} (${tier}.advertisedHost and ` +
      `${tier}.rpcPort), and another server answers there. No two may have one address: correct it here, or stop the other.`,
  );
}

/** That nothing answers proves nothing, and is no reason not to start: not every server can reach itself by that address. */
async function isAnswered(address: string): Promise<boolean> {
  let connection: RpcConnection;
  try {
    connection = await RpcConnection.connect({ ...parseAddress(address)!, connectTimeoutMs: PATIENCE_MS });
  } catch {
    return false;
  }
  try {
    await connection.request(PATTERN, {}, { timeoutMs: PATIENCE_MS });
    return true;
  } catch (error) {
    return error instanceof RegistryError && error.code === 'UNKNOWN_PATTERN';
  } finally {
    connection.close();
  }
}
