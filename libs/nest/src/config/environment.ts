import { z } from 'zod';
import { settingsSchema } from './schema.js';

export type Path = readonly string[];

/** One setting, as found in the schema: where it stands, how its environment variable is read, and what people are told. */
export interface Leaf {
  path: Path;
  key: string;
  variable: string;
  kind: 'number' | 'boolean' | 'list' | 'text';
  about: About;
}

export interface About {
  description?: string;
  /** What the value must be, in one sentence. */
  rule?: string;
  default?: unknown;
  /** What counts where nothing is set and there is no default. */
  absent?: string;
  /** Nobody is shown its value. */
  secret?: boolean;
}

/**
 * Variables that begin like settings and are none: the file's name, the registry's address in examples, and what the command
 * `rollcall` is told, and tells whom it has restart a server.
 */
const OTHER_VARIABLES: ReadonlySet<string> = new Set([
  ...['ROLLCALL_CONFIG', 'ROLLCALL_SEEDS', 'ROLLCALL_ADDRESS'],
  ...['ROLLCALL_ROLE', 'ROLLCALL_SERVER', 'ROLLCALL_SERVER_HTTP'],
]);

/**
 * Kubernetes puts these into every pod for a service called `rollcall-...`: refusing to start over them would be our
 * fault, not the operator's.
 */
const SERVICE_LINK = /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;

/** `session.limits.graceMs` is `ROLLCALL_SESSION_LIMITS_GRACE_MS`. */
export function variableOf(path: Path): string {
  return `ROLLCALL_${path.map((segment) => segment.replace(/([A-Z])/g, '_$1').toUpperCase()).join('_')}`;
}

export const LEAVES: readonly Leaf[] = leavesOf(settingsSchema, []);

/** What is said of the sections, by name. */
export const SECTIONS: ReadonlyMap<string, About> = new Map(
  Object.entries(settingsSchema.shape).map(([name, section]) => [name, unwrap(section).about]),
);

function leavesOf(schema: z.core.$ZodType, path: Path): Leaf[] {
  const { inner, about } = unwrap(schema);
  if (inner instanceof z.ZodObject)
    return Object.entries(inner.shape).flatMap(([name, child]) => leavesOf(child as z.core.$ZodType, [...path, name]));
  return [{ path, key: path.join('.'), variable: variableOf(path), kind: kindOf(inner), about }];
}

function kindOf(schema: z.core.$ZodType): Leaf['kind'] {
  if (schema instanceof z.ZodNumber) return 'number';
  if (schema instanceof z.ZodBoolean) return 'boolean';
  return schema instanceof z.ZodArray ? 'list' : 'text';
}

/** Without what makes it optional, and with what is said of it at any depth. */
function unwrap(schema: z.core.$ZodType): { inner: z.core.$ZodType; about: About } {
  const said = z.globalRegistry.get(schema) as About | undefined;
  const isDefault = schema instanceof z.ZodDefault;
  if (!isDefault && !(schema instanceof z.ZodPrefault) && !(schema instanceof z.ZodOptional))
    return { inner: schema, about: { ...said } };
  const { inner, about } = unwrap(schema.unwrap());
  return { inner, about: { ...about, ...said, ...(isDefault ? { default: schema.def.defaultValue } : {}) } };
}

/** A value from the environment in the type its setting has. What does not read as one stays text, for the schema to refuse. */
export function readVariable(leaf: Leaf, value: string): unknown {
  if (leaf.kind === 'number') return /^-?\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value;
  if (leaf.kind === 'boolean') return { true: true, false: false }[value.trim()] ?? value;
  if (leaf.kind === 'list') return value.split(',').map((item) => item.trim());
  return value;
}

/** The variables that look like settings and are not known. */
export function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set(LEAVES.map((leaf) => leaf.variable));
  return Object.keys(env).filter(
    (name) =>
      name.startsWith('ROLLCALL_') &&
      !known.has(name) &&
      !OTHER_VARIABLES.has(name) &&
      !SERVICE_LINK.test(name) &&
      !(name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(env[name] ?? '')),
  );
}

/** True when the path leads to a section rather than to a setting. */
export function isSection(path: Path): boolean {
  return LEAVES.some((leaf) => leaf.path.length > path.length && startsWith(leaf.path, path));
}

export function startsWith(path: Path, start: Path): boolean {
  return start.every((segment, index) => path[index] === segment);
}
