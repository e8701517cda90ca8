import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { basename } from 'node:path/posix';
import { type BuiltInParserName, format, resolveConfig } from 'prettier';
import { page } from './markdown.js';
import { plot } from './plots.js';
import type { Results } from './results.js';

/** What is kept in a file, if there is one. */
export async function kept(file: string): Promise<Results | undefined> {
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Results) : undefined;
}

export async function keep(file: string, results: Results): Promise<void> {
  await write(file, JSON.stringify(results), 'json');
}

/** A page, and its plots in a folder of the same name. */
export async function writeReport(file: string, results: Results): Promise<void> {
  const folder = basename(file, extname(file));
  const { text, plots } = page(results, plot, folder);
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
