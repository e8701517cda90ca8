// `npm run layers [-- --root FOLDER]`: each import against the layer rules of .dependency-cruiser.mjs.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cruise } from 'dependency-cruiser';
import config from '../.dependency-cruiser.mjs';
import { ROOT } from './lib/paths.mjs';

const FOLDERS = ['libs', 'apps', 'test', 'examples', 'bench', 'scripts'];

const { values } = parseArgs({ options: { root: { type: 'string', default: ROOT } } });
const root = resolve(values.root);
const { options, ...ruleSet } = config;
const { output } = await cruise(
  FOLDERS.filter((folder) => existsSync(join(root, folder))),
  { ...options, baseDir: root, ruleSet, validate: true },
  {
    // package.json leads #names to what is built; here they must lead to the sources, built or not.
    alias: { '#*/testing': join(root, 'libs/*/src/testing.ts'), '#*': join(root, 'libs/*/src/index.ts') },
  },
);

const { violations, totalCruised } = output.summary;
for (const { from, to, rule } of violations) {
  const { comment } = ruleSet.forbidden.find(({ name }) => name === rule.name);
  console.log(`${from} -> ${to}: ${rule.name}: ${comment}`);
}
console.log(`${totalCruised} modules, ${violations.length} imports against the rules`);
process.exitCode = violations.length > 0 ? 1 : 0;
