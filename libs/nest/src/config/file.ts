import { parseDocument } from 'yaml';
import { type Path, isSection } from './environment.js';
import type { ConfigProblem } from './problems.js';
import { isObject } from './schema.js';

/** What a YAML file says, as it stands there; nothing where it cannot be read, with the reason among the problems. */
export function readSettingsFile(
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
