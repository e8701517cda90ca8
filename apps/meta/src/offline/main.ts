import { runOffline } from './command.js';

process.exitCode = await runOffline(process.argv.slice(2));
