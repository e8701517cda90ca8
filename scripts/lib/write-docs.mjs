import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { at } from './paths.mjs';
import { prepare } from './prepare.mjs';

/** Each page, and what makes it; a test of its own sees to it that it is up to date. */
const PAGES = [
  { file: 'docs/configuration.md', module: 'libs/nest/src/index.js', make: 'configurationMarkdown' },
  { file: 'docs/errors.md', module: 'libs/nest/src/index.js', make: 'errorsMarkdown' },
  { file: 'docs/runbook.md', module: 'libs/nest/src/index.js', make: 'runbookMarkdown' },
];

await prepare();
for (const { file, module, make } of PAGES) {
  const { [make]: text } = await import(pathToFileURL(at('dist', module)).href);
  writeFileSync(at(file), text());
  console.log(file);
}
