import { types } from 'node:util';
import { RegistryError } from '#model';
import { LEAVES } from '../config/environment.js';
import { type ConfigSources, loadSettings } from '../config/load.js';

/** Failures of the operator's making, which a stack does not explain and one line does. */
const EXPECTED_CODES: ReadonlySet<string> = new Set([
  'INVALID_CONFIGURATION',
  'STORE_LOCKED',
  'STORE_FAILED',
  'STORE_CORRUPT',
  'CLUSTER_MISMATCH',
  'UNSUPPORTED_LEVEL',
  'UNSUPPORTED_VERSION',
  'INVALID_BACKUP',
  'SUPERSEDED',
]);

/**
 * One line that says what is wrong and what to do, when the failure has its cause outside the program; undefined when
 * it is a defect, for which the stack is wanted. Looks through the chain of causes.
 */
export function describeFailure(error: unknown, sources: ConfigSources = {}): string | undefined {
  for (let cause = error, depth = 0; types.isNativeError(cause) && depth < 8; cause = cause.cause, depth++) {
    if (cause instanceof RegistryError && EXPECTED_CODES.has(cause.code)) return `${cause.message} (${cause.code})`;
    const line = systemFailure(cause as SystemError, sources);
    if (line !== undefined) return line;
  }
  return undefined;
}

type SystemError = NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string };

function systemFailure(error: SystemError, sources: ConfigSources): string | undefined {
  const { code, address, port, path } = error;
  if (port !== undefined) {
    const where = `port ${port}${address === undefined ? '' : ` on ${address}`}`;
    if (code === 'EADDRINUSE')
      return `${where} is in use: stop what listens there, or choose another port${variableFor(port, sources)}. (${code})`;
    if (code === 'EACCES')
      return `this user may not listen on ${where}: choose a port above 1023${variableFor(port, sources)}. (${code})`;
    if (code === 'EADDRNOTAVAIL')
      return `${address ?? 'the host'} is not an address of this machine: correct the setting host. (${code})`;
  }
  if (code === 'ENOTFOUND' && error.syscall === 'getaddrinfo')
    return `the host name ${error.hostname ?? ''} is unknown: correct the setting host. (${code})`;
  if (
    path !== undefined &&
    code !== undefined &&
    ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EEXIST'].includes(code)
  )
    return `${path} cannot be written: make it writable, or choose another folder (dataDir). (${code})`;
  return undefined;
}

/** Which environment variables choose this port, as far as the settings tell. */
function variableFor(port: number, sources: ConfigSources): string {
  try {
    const settings = loadSettings(sources) as unknown as Record<string, Record<string, unknown>>;
    const chosen = LEAVES.filter(
      ({ path: [section, name] }) => /Port$/.test(name!) && settings[section!]?.[name!] === port,
    );
    return chosen.length === 0 ? '' : ` (${chosen.map((leaf) => leaf.variable).join(' or ')})`;
  } catch {
    return '';
  }
}
