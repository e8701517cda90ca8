// `npm run cluster -- --meta 3 --data 2 --session 2`: a cluster of real processes on loopback. See --help.
import { nodeIsSupported } from './lib/node-version.mjs';

if (nodeIsSupported()) import('./lib/run-cluster.mjs');
