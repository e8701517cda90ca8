// `npm test`: everything that must hold, stage by stage. `npm test -- pattern` hands its arguments to jest alone.
import { nodeIsSupported } from './lib/node-version.mjs';

if (nodeIsSupported()) import('./lib/test.mjs');
