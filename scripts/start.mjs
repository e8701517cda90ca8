// `npm start`: installs what is missing, builds what has changed, and runs all three tiers in this process.
import { nodeIsSupported } from './lib/node-version.mjs';

if (nodeIsSupported())
  import('./lib/prepare.mjs').then(({ prepareAndRun }) => prepareAndRun('apps/standalone/src/main.js'));
