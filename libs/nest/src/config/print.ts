import { stringify } from 'yaml';
import type { ServerRole } from '#model';
import { chooseAdvertised } from './advertised.js';
import { LEAVES, type Leaf, SECTIONS } from './environment.js';
import { type ConfigSources, type FoundSettings, configOf, findSettings } from './load.js';
import { SYSTEM, type Surroundings } from './surroundings.js';

/** Where comments begin, unless a line is longer. */
const COMMENT_COLUMN = 48;
const TIERS: ReadonlySet<string> = new Set<ServerRole>(['meta', 'data', 'session']);

/**
 * The settings of these tiers that count, as YAML, and behind each where it came from. What is secret is not told.
 * @throws RegistryError INVALID_CONFIGURATION
 */
export async function describeConfig(
  tiers: readonly ServerRole[],
  sources: ConfigSources = {},
  surroundings: Surroundings = SYSTEM,
): Promise<string> {
  const found = findSettings(sources);
  const lines: string[] = [];
  for (const section of SECTIONS.keys()) {
    if (TIERS.has(section) && !tiers.includes(section as ServerRole)) continue;
    lines.push(`${section}:`);
    let shown: readonly string[] = [];
    for (const leaf of LEAVES.filter(({ path }) => path[0] === section)) {
      const [, ...inner] = leaf.path;
      if (inner.length > 1 && shown[0] !== inner[0]) lines.push(`  ${inner[0]}:`);
      shown = inner;
      lines.push(...(await lineOf(leaf, found, '  '.repeat(inner.length), surroundings)));
    }
  }
  return `${lines.join('\n')}\n`;
}

async function lineOf(
  { key, path, about }: Leaf,
  found: FoundSettings,
  indent: string,
  surroundings: Surroundings,
): Promise<string[]> {
  const { settings, origins } = found;
  const name = path.at(-1)!;
  const value = path.reduce<unknown>((node, segment) => (node as Record<string, unknown>)[segment], settings);
  if (value !== undefined) {
    const text = about.secret ? '"***"' : stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
    return [commented(`${indent}${name}: ${text}`, origins.get(key) ?? 'default')];
  }
  const [tier] = path as [ServerRole];
  if (name === 'advertisedHost') {
    const { host, reason, doubt } = await chooseAdvertised(configOf(tier, settings), surroundings);
    const line = commented(`${indent}${name}: ${host}`, `chosen: ${reason}`);
    return doubt === undefined ? [line] : [line, `${indent}# Doubtful: ${doubt}`];
  }
  if (key === 'cluster.metaAddresses' && configOf('data', settings).cluster.metaAddresses.length > 0)
    return [
      commented(`${indent}${name}: [ ${configOf('data', settings).cluster.metaAddresses.join(', ')} ]`, about.absent!),
    ];
  return [commented(`${indent}# ${name}:`, about.absent === undefined ? 'not set' : `not set: ${about.absent}`)];
}

function commented(line: string, comment: string): string {
  return `${line.padEnd(COMMENT_COLUMN - 1)} # ${comment}`;
}
