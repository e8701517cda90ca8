import { readFileSync } from 'node:fs';
import type { ServerRole } from '#model';
import { formatAddress } from './address.js';
import { readArguments } from './arguments.js';
import { LEAVES, readVariable, unknownVariables } from './environment.js';
import { readSettingsFile } from './file.js';
import { describe, didYouMean, invalidConfiguration } from './problems.js';
import { isWildcard } from './rules.js';
import { type Settings, isObject, settingsSchema } from './schema.js';

/** What one server process is told. */
export type Config<T extends ServerRole = ServerRole> = Settings[T] & {
  tier: T;
  cluster: { dataCenter: string; metaAddresses: string[]; slotCount: number; replicas: number };
  admin: Settings['admin'];
  log: Settings['log'];
};

/** Where settings come from; everything left out is the process's own. */
export interface ConfigSources {
  env?: Readonly<Record<string, string | undefined>>;
  /** Arguments after the script's name. */
  argv?: readonly string[];
  readFile?: (path: string) => string;
}

/** All sections, and where each setting came from that is not its default: a file, or a variable. */
export interface FoundSettings {
  settings: Settings;
  origins: ReadonlyMap<string, string>;
}

/**
 * The settings of one tier: defaults, then the file named by `--config` or ROLLCALL_CONFIG, then the environment. Throws
 * one INVALID_CONFIGURATION that names everything wrong in any tier's section, since one file serves all of them.
 */
export function loadConfig<T extends ServerRole>(tier: T, sources: ConfigSources = {}): Config<T> {
  return configOf(tier, findSettings(sources, tier).settings);
}

export function configOf<T extends ServerRole>(tier: T, settings: Settings): Config<T> {
  const own: Settings[ServerRole] = settings[tier];
  const { cluster, admin, log } = settings;
  const metaAddresses = cluster.metaAddresses ?? addressesOfMeta(tier, settings);
  return { ...own, tier, cluster: { ...cluster, metaAddresses }, admin, log } as unknown as Config<T>;
}

/**
 * As far as the section of meta tells it. One that listens on every interface is reached over loopback too, by who is as
 * near; it itself is not told where it is, and has yet to find that out.
 */
function addressesOfMeta(tier: ServerRole, { meta }: Settings): string[] {
  const { rpcPort, host, advertisedHost = isWildcard(host) ? undefined : host } = meta;
  if (advertisedHost !== undefined) return [formatAddress(advertisedHost, rpcPort)];
  return tier === 'meta' ? [] : [formatAddress(LOOPBACK, rpcPort)];
}

const LOOPBACK = '127.0.0.1';

/** All sections, validated. */
export function loadSettings(sources: ConfigSources = {}): Settings {
  return findSettings(sources).settings;
}

/**
 * @param tier for whom, where that is known
 * @throws RegistryError INVALID_CONFIGURATION
 */
export function findSettings(sources: ConfigSources = {}, tier?: ServerRole): FoundSettings {
  const { env = process.env, argv = process.argv.slice(2), readFile = (path) => readFileSync(path, 'utf8') } = sources;
  const { file = env.ROLLCALL_CONFIG || undefined, workers, problems } = readArguments(argv);
  const raw = file === undefined ? {} : readSettingsFile(file, readFile, problems);
  const origins = new Map<string, string>();
  const fromEnv = new Set<string>();
  for (const leaf of LEAVES) {
    const value = env[leaf.variable];
    if (value !== undefined && value !== '') {
      assign(raw, leaf.path, readVariable(leaf, value));
      fromEnv.add(leaf.key);
      origins.set(leaf.key, leaf.variable);
    } else if (file !== undefined && valueAt(raw, leaf.path) !== undefined) origins.set(leaf.key, file);
  }
  if (workers !== undefined && (tier ?? 'session') !== 'session')
    problems.push({ key: '--workers', rule: 'is only for session servers' });
  if (workers !== undefined) {
    assign(raw, ['session', 'workers'], /^\d+$/.test(workers) ? Number(workers) : workers);
    origins.set('session.workers', '--workers');
  }
  const variables = LEAVES.map((leaf) => leaf.variable);
  for (const name of unknownVariables(env))
    problems.push({ key: name, rule: `is not a setting${didYouMean(name, variables)}`, source: 'the environment' });
  const parsed = settingsSchema.safeParse(raw);
  if (!parsed.success) problems.push(...describe(parsed.error.issues, raw, fromEnv, file));
  if (problems.length > 0 || !parsed.success) throw invalidConfiguration(problems);
  return { settings: parsed.data, origins };
}

function valueAt(tree: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, segment) => (isObject(node) ? node[segment] : undefined), tree);
}

/** Sets a value in a tree of mappings. What stands in the way and is no mapping stays, for the schema to refuse. */
function assign(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let node = tree;
  for (const segment of path.slice(0, -1)) {
    const child = (node[segment] ??= {});
    if (!isObject(child)) return;
    node = child;
  }
  node[path.at(-1)!] = value;
}
