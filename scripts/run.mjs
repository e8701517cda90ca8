// `node scripts/run.mjs MODULE [arguments]`: like `npm start`, for another built module, such as `bench/src/main.js`.
import { nodeIsSupported } from './lib/node-version.mjs';

// The module sees its own arguments and nothing else.
const [module] = process.argv.splice(2, 1);
if (nodeIsSupported()) import('./lib/prepare.mjs').then(({ prepareAndRun }) => prepareAndRun(module));
