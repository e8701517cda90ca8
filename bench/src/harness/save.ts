import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { basename } from 'node:path/posix';
import { type BuiltInParserName, format, resolveConfig } from 'prettier';
import { page, sectionsOf } from './markdown.js';
import { plot } from './plots.js';
import { FORMAT, type Results } from './results.js';

/** What is kept in a file, if there is one. Throws when it is of another form. */
export async function kept(file: string): Promise<Results | undefined> {
  if (!existsSync(file)) return undefined;
  const results = JSON.parse(await readFile(file, 'utf8')) as Results;
  if (results.format !== FORMAT) throw new Error(`${file} was not written by these benches; use another file.`);
  return results;
}

export async function keep(file: string, results: Results): Promise<void> {
  await write(file, JSON.stringify(results), 'json');
}

/** A page, and its plots in a folder of the same name. What is written by hand is read from a file beside it, and never written. */
export async function writeReport(file: string, results: Results): Promise<void> {
  const folder = basename(file, extname(file));
  const byHand = join(dirname(file), `${folder}.limits.md`);
  const limits = existsSync(byHand) ? sectionsOf(await readFile(byHand, 'utf8')) : {};
  const { text, plots } = page(results, plot, folder, limits);
  await write(file, text, 'markdown');
  const there = join(dirname(file), folder);
  await mkdir(there, { recursive: true });
  for (const [name, svg] of Object.entries(plots)) await writeFile(join(there, name), svg);
}

/** As all files of this repository are formatted. */
async function write(file: string, text: string, parser: BuiltInParserName): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, await format(text, { ...(await resolveConfig(file)), parser }));
}
