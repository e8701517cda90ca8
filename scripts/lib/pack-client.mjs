import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { run, runNode } from './child.mjs';
import { ROOT, at } from './paths.mjs';
import { prepare } from './prepare.mjs';

const NAME = '@rollcall/client';
const ENTRY = { lib: 'client', path: 'index' };
/** Of this lib, which holds the brains of servers too, the front door is cut down to the client's. */
const CUT = { lib: 'registry', folder: './client/' };
const SPECIFIER = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\2/g;

/**
 * Makes the tarball of the client and answers its path. The modules that the client reaches are taken from the build as they
 * are, with their types; of `#lib` imports, which only this repository knows, relative ones are made.
 */
export async function packClient(folder = at('dist')) {
  await prepare();
  const types = at('dist/types');
  rmSync(types, { recursive: true, force: true });
  await runNode([at('node_modules/typescript/bin/tsc'), '-p', at('libs/client/tsconfig.pack.json')]);
  const staging = mkdtempSync(join(tmpdir(), 'rollcall-client-'));
  try {
    const packages = stage(staging);
    writeFileSync(join(staging, 'package.json'), `${JSON.stringify(manifest(packages), null, 2)}\n`);
    cpSync(at('libs/client/README.md'), join(staging, 'README.md'));
    cpSync(at('LICENSE'), join(staging, 'LICENSE'));
    const into = resolve(folder);
    mkdirSync(into, { recursive: true });
    const args = ['pack', staging, '--json', '--ignore-scripts', '--pack-destination', into];
    const npm = process.env.npm_execpath;
    const output = await (npm && /npm-cli\.c?js$/.test(npm) ? runNode([npm, ...args]) : run('npm', args));
    const [{ filename }] = JSON.parse(output.slice(output.indexOf('[')));
    return join(into, filename.replace('@', '').replace('/', '-'));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Copies whatever the client reaches; answers which packages that are not of Node. */
function stage(staging) {
  const packages = new Set();
  const seen = new Set();
  const waiting = [ENTRY];
  for (let module = waiting.pop(); module; module = waiting.pop()) {
    const key = `${module.lib}/${module.path}`;
    if (seen.has(key)) continue;
    seen.add(key);
    for (const { from, extension } of [
      { from: at('dist/libs', module.lib, 'src', `${module.path}.js`), extension: '.js' },
      { from: at('dist/types/libs', module.lib, 'src', `${module.path}.d.ts`), extension: '.d.ts' },
    ]) {
      const to = join(staging, 'dist', `${key}${extension}`);
      mkdirSync(dirname(to), { recursive: true });
      // The types of Node are those that this package depends on, whatever the project's settings name.
      const reference = extension === '.d.ts' && module === ENTRY ? '/// <reference types="node" />\n' : '';
      writeFileSync(to, reference + rewritten(from, module, waiting, packages));
    }
  }
  return packages;
}

function rewritten(file, module, waiting, packages) {
  const isCut = module.lib === CUT.lib && module.path === 'index';
  const whole = readFileSync(file, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
  return (isCut ? cut(whole) : whole).replace(SPECIFIER, (text, before, quote, specifier) => {
    if (specifier.startsWith('node:')) return text;
    const target = moduleOf(specifier, module);
    if (!target) {
      packages.add(specifier);
      return text;
    }
    waiting.push(target);
    return `${before}${quote}${relativeTo(module, target)}${quote}`;
  });
}

/** Statements of the front door that lead into the client's folder. */
function cut(text) {
  const kept = text.match(/export[^;]*?from\s*['"][^'"]+['"];/g) ?? [];
  return `${kept.filter((statement) => statement.includes(`'${CUT.folder}`) || statement.includes(`"${CUT.folder}`)).join('\n')}\n`;
}

function moduleOf(specifier, { lib, path }) {
  if (specifier.startsWith('#')) return { lib: specifier.slice(1), path: 'index' };
  if (!specifier.startsWith('.')) return undefined;
  return { lib, path: join(dirname(path), specifier).replace(/\.js$/, '') };
}

function relativeTo(from, to) {
  const path = relative(dirname(`/${from.lib}/${from.path}`), `/${to.lib}/${to.path}.js`);
  return path.startsWith('.') ? path : `./${path}`;
}

function manifest(packages) {
  const root = JSON.parse(readFileSync(at('package.json'), 'utf8'));
  const { version, license, type, engines, dependencies } = root;
  const own = [...packages].map((name) => {
    if (!dependencies[name]) throw new Error(`The client uses ${name}, which is no dependency of ${ROOT}.`);
    return [name, dependencies[name]];
  });
  return {
    name: NAME,
    version,
    description:
      'Client of Rollcall, a service registry that tells every subscriber about every change within a second.',
    license,
    type,
    engines,
    sideEffects: false,
    main: './dist/client/index.js',
    types: './dist/client/index.d.ts',
    exports: {
      '.': { types: './dist/client/index.d.ts', default: './dist/client/index.js' },
      './package.json': './package.json',
    },
    files: ['dist'],
    // The types speak of Node's own, such as the options of TLS.
    dependencies: Object.fromEntries([...own, ['@types/node', '>=20']]),
  };
}
