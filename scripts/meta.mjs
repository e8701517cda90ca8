// `npm run meta -- --help`: what an operator does to the folders of meta servers that do not run.
import { nodeIsSupported } from './lib/node-version.mjs';

if (nodeIsSupported())
  import('./lib/prepare.mjs').then(({ prepareAndRun }) => prepareAndRun('apps/meta/src/offline/main.js'));
