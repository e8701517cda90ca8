import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LIBS = ['model', 'consensus', 'sharding', 'etcd', 'registry', 'sim', 'wire', 'store', 'client', 'nest'];

/** A file of the fixture that imports something, and the rules it breaks. */
type Plant = [file: string, imports: string, rules: string[]];

const LEGAL: Plant[] = [
  ['libs/registry/src/merge.ts', '#model', []],
  ['libs/registry/src/deep/part.ts', '../merge.js', []],
  ['libs/registry/src/merge.spec.ts', 'fast-check', []],
  ['libs/model/src/names.spec.ts', '@jest/globals', []],
  ['libs/sharding/src/plan.spec.ts', 'node:crypto', []],
  ['libs/consensus/src/testing.ts', '@jest/globals', []],
  ['libs/store/src/log.spec.ts', '#consensus/testing', []],
  ['libs/store/src/log.ts', 'level', []],
  ['libs/wire/src/codec.ts', 'msgpackr', []],
  ['libs/client/src/dial.ts', 'node:net', []],
  ['libs/client/src/core.ts', '#registry', []],
  ['libs/nest/src/app.ts', '@nestjs/common', []],
  ['libs/nest/src/app.spec.ts', '@nestjs/testing', []],
  ['libs/sim/src/host.ts', '#registry', []],
  ['apps/data/src/app.ts', '#store', []],
  ['apps/standalone/src/app.ts', '../../data/src/app.js', []],
  ['test/whole.spec.ts', '#sim', []],
  ['bench/src/run.ts', 'hdr-histogram-js', []],
];

const PLANTED: Plant[] = [
  // Who stands above whom.
  ['libs/model/src/a.ts', '#sharding', ['model-uses-libs']],
  ['libs/consensus/src/a.ts', '#sharding', ['consensus-uses-libs']],
  ['libs/sharding/src/a.ts', '#registry', ['sharding-uses-libs']],
  ['libs/registry/src/a.ts', '#consensus', ['registry-uses-libs']],
  ['libs/registry/src/a.spec.ts', '#sim', ['registry-uses-libs']],
  ['libs/etcd/src/a.ts', '#registry', ['etcd-uses-libs']],
  ['libs/sim/src/a.ts', '#wire', ['sim-uses-libs']],
  ['libs/wire/src/a.ts', '#client', ['wire-uses-libs']],
  ['libs/store/src/a.ts', '#nest', ['store-uses-libs']],
  ['libs/client/src/a.ts', '#nest', ['client-uses-libs']],
  ['libs/nest/src/a.ts', '#registry', ['nest-uses-libs']],
  ['libs/newcomer/src/a.ts', '#model', ['known-libs']],
  // Purity.
  ['libs/model/src/b.ts', 'node:fs', ['model-is-pure']],
  ['libs/registry/src/b.ts', 'crypto', ['registry-is-pure']],
  ['libs/sim/src/b.ts', 'node:timers', ['sim-is-pure']],
  // Packages.
  ['libs/model/src/c.ts', 'msgpackr', ['model-uses-packages']],
  ['libs/sharding/src/c.ts', 'fast-check', ['sharding-uses-packages', 'shipped-packages']],
  ['libs/registry/src/c.spec.ts', 'zod', ['registry-tests-use-packages']],
  ['libs/wire/src/c.ts', 'zod', ['wire-uses-packages']],
  ['libs/client/src/c.ts', '@nestjs/common', ['client-uses-packages']],
  ['libs/client/src/d.ts', 'rxjs', ['client-uses-packages']],
  ['libs/store/src/c.ts', '@nestjs/core', ['store-uses-packages']],
  ['libs/nest/src/c.ts', 'level', ['nest-uses-packages']],
  ['apps/meta/src/c.ts', 'typescript', ['shipped-packages']],
  ['apps/meta/src/d.ts', 'semver', ['shipped-packages']],
  // Doors.
  ['libs/registry/src/e.ts', '../../model/src/names.js', ['front-doors', 'doors-by-name']],
  ['libs/registry/src/f.ts', '../../model/src/index.js', ['doors-by-name']],
  ['apps/meta/src/e.ts', '../../../libs/model/src/names.js', ['front-doors', 'doors-by-name']],
  ['test/e.spec.ts', '../libs/model/src/names.js', ['front-doors', 'doors-by-name']],
  ['libs/store/src/e.ts', '#consensus/testing', ['second-door-for-tests']],
  ['libs/wire/src/f.ts', './f.spec.js', ['tests-stay-tests']],
  // Apps.
  ['libs/nest/src/g.ts', '../../../apps/meta/src/app.js', ['libs-below-apps']],
  ['apps/meta/src/g.ts', '../../data/src/app.js', ['apps-apart']],
  ['apps/session/src/g.ts', '../../../test/whole.spec.js', ['apps-below-tests', 'tests-stay-tests']],
  // What runs before anything is installed, and what is not there at all.
  ['scripts/lib/h.mjs', 'yaml', ['scripts-stand-alone']],
  ['libs/wire/src/h.ts', './nowhere.js', ['resolvable']],
];

/** Also present, so that the imports above lead somewhere. */
const PRESENT = ['libs/model/src/names.ts', 'libs/wire/src/f.spec.ts', 'apps/meta/src/app.ts'];

describe('the layer rules', () => {
  let folder: string;

  function plant(plants: Plant[]): void {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-layers-'));
    const write = (file: string, text: string): void => {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    };
    cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const file of [...LIBS.map((lib) => `libs/${lib}/src/index.ts`), ...PRESENT]) write(file, 'export {};\n');
    for (const [file, imports] of plants)
      write(file, `import type * as it from '${imports}';\nexport type It = typeof it;\n`);
  }

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** The lines that the check prints, and the code it exits with. */
  function check(): Promise<{ code: number; lines: string[] }> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [join(ROOT, 'scripts/check-layers.mjs'), '--root', folder],
        (error, stdout, stderr) => {
          const code = error ? Number(error.code) : 0;
          resolve({ code, lines: `${stdout}${stderr}`.trim().split('\n') });
        },
      );
    });
  }

  it('allow what the design allows', async () => {
    plant(LEGAL);
    const { code, lines } = await check();
    expect(lines.slice(0, -1)).toEqual([]);
    expect(code).toBe(0);
  });

  it('catch every planted violation, each by its own rule', async () => {
    plant([...LEGAL, ...PLANTED]);
    const { code, lines } = await check();
    const found = lines
      .slice(0, -1)
      .map((line) => /^(\S+) -> \S+: ([a-z-]+): \S/.exec(line)?.slice(1).join(' ') ?? line);
    expect(found.toSorted()).toEqual(
      PLANTED.flatMap(([file, , rules]) => rules.map((rule) => `${file} ${rule}`)).toSorted(),
    );
    expect(code).toBe(1);
  });
});
