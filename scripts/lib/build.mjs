import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runNode } from './child.mjs';
import { ROOT, at } from './paths.mjs';

/** The folders that tsconfig.build.json compiles. */
const SOURCES = ['apps', 'libs', 'examples', 'bench', 'test/simulation', 'test/network'];
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package.json', 'node_modules/typescript/package.json'];
/** Folders of what is read as it is, beside what is compiled. */
const ASSETS = ['libs/etcd/proto'];
const STAMP = at('dist/build.stamp');

/** True when dist is what the sources would give: none has changed since, and no output is missing. */
export function isBuilt() {
  const sources = sourceFiles();
  const isWhole = hasOutputs(sources) && assets().every((asset) => existsSync(at('dist', asset)));
  return isWhole && read(STAMP) === fingerprint(sources);
}

/** Compiles what has changed, and removes what sources that are gone had left behind. */
export async function build() {
  const sources = sourceFiles();
  // Taken before the compiler runs, so that what changes meanwhile counts as changed.
  const stamp = fingerprint(sources);
  rmSync(STAMP, { force: true });
  removeStale(sources);
  await compile();
  if (!hasOutputs(sources)) {
    // The compiler trusts its own record of what it has written, even when somebody has deleted that.
    rmSync(at('dist/build.tsbuildinfo'), { force: true });
    await compile();
  }
  for (const folder of ASSETS) {
    rmSync(at('dist', folder), { recursive: true, force: true });
    cpSync(at(folder), at('dist', folder), { recursive: true });
  }
  mkdirSync(at('dist'), { recursive: true });
  writeFileSync(STAMP, stamp);
}

function compile() {
  return runNode([at('node_modules/typescript/bin/tsc'), '-p', at('tsconfig.build.json')]);
}

function sourceFiles() {
  return SOURCES.flatMap((folder) => filesUnder(folder)).filter(
    (path) => path.endsWith('.ts') && !/\.(spec|harness|d)\.ts$/.test(path),
  );
}

function outputOf(source) {
  return join('dist', source.replace(/\.ts$/, '.js'));
}

function hasOutputs(sources) {
  return sources.every((source) => existsSync(at(outputOf(source))));
}

function assets() {
  return ASSETS.flatMap((folder) => filesUnder(folder));
}

function removeStale(sources) {
  const wanted = new Set(sources.map(outputOf));
  for (const path of filesUnder('dist'))
    if (/\.js(\.map)?$/.test(path) && !wanted.has(path.replace(/\.map$/, ''))) rmSync(at(path), { force: true });
}

/** Files below a folder of the checkout, as paths from its top. */
function filesUnder(folder) {
  if (!existsSync(at(folder))) return [];
  return readdirSync(at(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
}

/** Changes when a source is added, removed, renamed or written. */
function fingerprint(sources) {
  const hash = createHash('sha256');
  for (const path of [...sources, ...assets(), ...SETTINGS].sort()) {
    const { mtimeMs, size } = statSync(at(path), { throwIfNoEntry: false }) ?? { mtimeMs: 0, size: -1 };
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
