import type { ServerRole } from '#model';
import { readArguments } from '../config/arguments.js';
import type { ConfigSources } from '../config/load.js';
import { describeConfig } from '../config/print.js';
import { describeFailure } from './describe-failure.js';
import { type RunServerOptions, type RunningServer, runServer } from './run-server.js';

/** What a process is, for its `--help`. */
export interface ServerProgram {
  name: string;
  description: string;
  /** Whose settings it takes. */
  tiers: readonly ServerRole[];
}

export interface ProgramOptions extends RunServerOptions {
  sources?: ConfigSources;
  write?: (text: string) => void;
}

/** The whole of a server process: it says what it is, shows its settings, or runs. */
export async function runServerProgram(
  { name, description, tiers }: ServerProgram,
  start: (fail: (error: unknown) => void) => Promise<RunningServer>,
  options: ProgramOptions = {},
): Promise<void> {
  const { sources = {}, write = (text) => void process.stdout.write(text) } = options;
  const { help, printConfig } = readArguments(sources.argv ?? process.argv.slice(2), name, description);
  if (help !== undefined) return write(help);
  if (!printConfig) return runServer(name, start, options);
  const host = options.process ?? process;
  try {
    write(await describeConfig(tiers, sources));
  } catch (error) {
    const message = describeFailure(error, sources);
    if (message === undefined) throw error;
    host.stderr.write(`${name}: ${message}\n`);
    host.exit(1);
  }
}
