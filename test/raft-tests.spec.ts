import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = 'libs/consensus/src/raft/';

/** The rows of the tables in docs/raft-tests.md: a file, and a test in it. */
function rows(): [file: string, test: string][] {
  const text = readFileSync(`${ROOT}docs/raft-tests.md`, 'utf8');
  return [...text.matchAll(/^\|[^|]*\| `([^`]+)` *\| (.*?) *\|$/gm)].map(([, file, test]) => [
    file!.includes('/') ? file! : `${FOLDER}${file}`,
    test!.replaceAll('\\', ''),
  ]);
}

/** Whether a file names a test so, in whichever quotes. */
function names(source: string, test: string): boolean {
  return [`'${test}'`, `"${test}"`, `\`${test}\``].some((quoted) => source.includes(quoted));
}

describe('the list of what shows that the Raft is right', () => {
  it('names tests that exist', () => {
    expect(rows().length).toBeGreaterThan(100);
    const isThere = ([file, test]: [string, string]): boolean =>
      existsSync(ROOT + file) && names(readFileSync(ROOT + file, 'utf8'), test);
    expect(rows().filter((row) => !isThere(row))).toEqual([]);
  });

  it('claims nothing without a test', () => {
    const lines = readFileSync(`${ROOT}docs/raft-tests.md`, 'utf8').split('\n');
    const table = lines.filter((line) => line.startsWith('|') && !/^\| (claim|-)/.test(line));
    expect(table).toHaveLength(rows().length);
  });
});
