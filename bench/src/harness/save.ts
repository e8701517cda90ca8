import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { basename } from 'node:path/posix';
import { type BuiltInParserName, format, resolveConfig } from 'prettier';
import { page } from './markdown.js';
import { plot } from './plots.js';
import { type Results, merged } from './results.js';

/** Keeps results beside those of other workloads, and answers all of them. */
export async function save(file: string, results: Results): Promise<Results> {
  const earlier = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Results) : undefined;
  const all = Object.keys(results.workloads).length === 0 && earlier ? earlier : merged(earlier, results);
  await write(file, JSON.stringify(all), 'json');
  return all;
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
