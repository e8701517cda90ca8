import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import type { ServerRole } from '#model';
import { formatAddress } from './address.js';
import { LEAVES, type Path, isSection, readVariable, unknownVariables } from './environment.js';
import { type ConfigProblem, describe, didYouMean, invalidConfiguration } from './problems.js';
import { type Settings, isObject, settingsSchema } from './schema.js';

type TierSettings<T extends ServerRole> = Omit<Settings[T], 'advertisedHost'> & { advertisedHost: string };

/** What one server process needs to know. */
export type Config<T extends ServerRole = ServerRole> = TierSettings<T> & {
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

/**
 * The settings of one tier: defaults, then the file named by `--config` or ROLLCALL_CONFIG, then the environment. Throws
 * one INVALID_CONFIGURATION that names everything wrong in any tier's section, since one file serves all of them.
 */
export function loadConfig<T extends ServerRole>(tier: T, sources: ConfigSources = {}): Config<T> {
  const settings = loadSettings(sources, tier);
  const { meta } = settings;
  const own: Settings[ServerRole] = settings[tier];
  return {
    ...own,
    tier,
    advertisedHost: own.advertisedHost ?? own.host,
    cluster: {
      dataCenter: settings.cluster.dataCenter,
      slotCount: settings.cluster.slotCount,
      replicas: settings.cluster.replicas,
      metaAddresses: settings.cluster.metaAddresses ?? [formatAddress(meta.advertisedHost ?? meta.host, meta.rpcPort)],
    },
    admin: settings.admin,
    log: settings.log,
  } as unknown as Config<T>;
}

/**
 * All sections, validated.
 * @param tier for whom, where that is known
 */
export function loadSettings(sources: ConfigSources = {}, tier?: ServerRole): Settings {
  const { env = process.env, argv = process.argv.slice(2), readFile = (path) => readFileSync(path, 'utf8') } = sources;
  const problems: ConfigProblem[] = [];
  const { file, workers } = readArguments(argv, env, problems);
  const raw = file === undefined ? {} : readSettingsFile(file, readFile, problems);
  const fromEnv = new Set<string>();
  for (const leaf of LEAVES) {
    const value = env[leaf.variable];
    if (value === undefined || value === '') continue;
    assign(raw, leaf.path, readVariable(leaf, value));
    fromEnv.add(leaf.key);
  }
  if (workers !== undefined && (tier ?? 'session') !== 'session')
    problems.push({ key: '--workers', rule: 'is only for session servers' });
  if (workers !== undefined) assign(raw, ['session', 'workers'], /^\d+$/.test(workers) ? Number(workers) : workers);
  const variables = LEAVES.map((leaf) => leaf.variable);
  for (const name of unknownVariables(env))
    problems.push({ key: name, rule: `is not a setting${didYouMean(name, variables)}`, source: 'the environment' });
  const parsed = settingsSchema.safeParse(raw);
  if (!parsed.success) problems.push(...describe(parsed.error.issues, raw, fromEnv, file));
  if (problems.length > 0 || !parsed.success) throw invalidConfiguration(problems);
  return parsed.data;
}

const ARGUMENTS = { '--config': 'needs the path of a file', '--workers': 'needs a number' } as const;

/** `--workers` is short for the setting session.workers. */
function readArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  problems: ConfigProblem[],
): { file: string | undefined; workers: string | undefined } {
  const given: Record<string, string | undefined> = { '--config': env.ROLLCALL_CONFIG || undefined };
  for (let i = 0; i < argv.length; i++) {
    const [argument, inline] = argv[i]!.split(/=(.*)/s) as [string, string | undefined];
    const rule = Object.hasOwn(ARGUMENTS, argument) ? ARGUMENTS[argument as keyof typeof ARGUMENTS] : undefined;
    if (rule === undefined)
      problems.push({ key: argv[i]!, rule: `is not an argument${didYouMean(argument, Object.keys(ARGUMENTS))}` });
    else if (inline !== undefined) given[argument] = inline;
    else if (argv[i + 1] !== undefined) given[argument] = argv[++i];
    else problems.push({ key: argument, rule });
  }
  return { file: given['--config'], workers: given['--workers'] };
}

function readSettingsFile(
  file: string,
  readFile: (path: string) => string,
  problems: ConfigProblem[],
): Record<string, unknown> {
  let content: string;
  try {
    content = readFile(file);
  } catch (error) {
    problems.push({ key: file, rule: `cannot be read: ${error instanceof Error ? error.message : String(error)}` });
    return {};
  }
  const document = parseDocument(content, { prettyErrors: true });
  if (document.errors.length > 0) {
    // The first sentence says what and where; the rest of the message draws the line of the file.
    for (const error of document.errors)
      problems.push({ key: file, rule: `is not valid YAML: ${error.message.split('\n')[0]!.replace(/:$/, '')}` });
    return {};
  }
  const raw: unknown = document.toJS() ?? {};
  if (isObject(raw)) return withoutEmptySections(raw);
  problems.push({ key: file, rule: 'must hold a mapping of sections such as "session:"' });
  return {};
}

/** A section whose lines are all commented out is null in YAML, and means the same as one that is not there. */
function withoutEmptySections(raw: Record<string, unknown>, path: Path = []): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw)) {
    const here = [...path, name];
    if (isObject(value)) result[name] = withoutEmptySections(value, here);
    else if (value !== null || !isSection(here)) result[name] = value;
  }
  return result;
}

/** Sets a value in a tree of mappings. What stands in the way and is no mapping stays, for the schema to refuse. */
function assign(tree: Record<string, unknown>, path: Path, value: unknown): void {
  let node = tree;
  for (const segment of path.slice(0, -1)) {
    const child = (node[segment] ??= {});
    if (!isObject(child)) return;
    node = child;
  }
  node[path.at(-1)!] = value;
}
