// `npm run docs`: writes those pages of docs/ that are made from the code.
import { nodeIsSupported } from './lib/node-version.mjs';

if (nodeIsSupported()) import('./lib/write-docs.mjs');
