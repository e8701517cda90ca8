import { RegistryError } from '#model';
import { LEAVES, type Path, isSection, startsWith, variableOf } from './environment.js';
import { isObject } from './schema.js';
import { nearest } from './suggest.js';

/** One wrong setting, as in `details.problems` of the error. */
export interface ConfigProblem {
  key: string;
  value?: unknown;
  rule: string;
  /** The file or the environment variable that it came from. */
  source?: string;
}

type Issue = Readonly<{ code?: string; path: readonly PropertyKey[]; message: string; keys?: readonly string[] }>;

/** What zod found, in the words of the operator: one problem per setting, and where its value came from. */
export function describe(
  issues: readonly Issue[],
  raw: unknown,
  fromEnv: ReadonlySet<string>,
  file: string | undefined,
): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>();
  const add = (path: Path, rule: string, showValue = true): void => {
    const key = path.join('.');
    // One rule says everything about its setting, so that the first failed check of a setting is enough.
    if (problems.has(key)) return;
    const value = path.reduce<unknown>((node, segment) => (isObject(node) ? node[segment] : undefined), raw);
    const source = fromEnv.has(key) ? variableOf(path) : file;
    problems.set(key, {
      key,
      rule,
      ...(value === undefined || !showValue ? {} : { value: isSecret(path) ? '***' : value }),
      ...(value === undefined || source === undefined ? {} : { source }),
    });
  };
  for (const issue of issues) {
    const path = issue.path.filter((segment) => typeof segment === 'string');
    if (issue.code === 'unrecognized_keys')
      // What it holds says nothing more, and may be a token under a name that is mistyped.
      for (const key of issue.keys ?? [])
        add([...path, key], `is not a setting${didYouMean(key, childrenOf(path))}`, false);
    else add(path, isSection(path) ? 'must be a mapping of settings' : issue.message);
  }
  return [...problems.values()];
}

/** Who reads what is wrong with the settings need not be who may know the token, which may stand in place of its section. */
export function isSecret(path: Path): boolean {
  const own = LEAVES.find((leaf) => leaf.key === path.join('.'));
  return own ? own.about.secret === true : LEAVES.some((leaf) => leaf.about.secret && startsWith(leaf.path, path));
}

function childrenOf(path: Path): string[] {
  return [...new Set(LEAVES.filter((leaf) => startsWith(leaf.path, path)).map((leaf) => leaf.path[path.length]!))];
}

/** The end of a sentence that refuses a name. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const guess = nearest(word, candidates);
  return guess === undefined ? `; known are ${candidates.slice(0, 12).join(', ')}` : `; did you mean ${guess}?`;
}

export function invalidConfiguration(problems: ConfigProblem[]): RegistryError {
  const lines = problems.map(({ key, value, rule, source }) => {
    const shown = value === undefined || isObject(value) ? '' : `, but is ${JSON.stringify(value)}`;
    return `${key} ${rule}${shown}${source === undefined ? '' : ` (from ${source})`}`;
  });
  const message = lines.length === 1 ? lines[0]! : `${lines.length} settings are wrong:\n  - ${lines.join('\n  - ')}`;
  return new RegistryError('INVALID_CONFIGURATION', message, { details: { problems } });
}
