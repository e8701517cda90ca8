#!/usr/bin/env node
// `npx rollcall --help`: the command of operators. npx finds it as the `bin` of this package, and asks no registry.
import { nodeIsSupported } from './lib/node-version.mjs';

if (nodeIsSupported()) import('./lib/prepare.mjs').then(({ prepareAndRun }) => prepareAndRun('apps/cli/src/main.js'));
