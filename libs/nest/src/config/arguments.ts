import { Command, CommanderError, Option } from 'commander';
import type { ConfigProblem } from './problems.js';

export interface ServerArguments {
  /** The file named by `--config`. */
  file?: string;
  /** Short for the setting session.workers. */
  workers?: string;
  /** Shows the settings and starts nothing. */
  printConfig: boolean;
  /** The text of `--help`, where that was asked for. */
  help?: string;
  problems: ConfigProblem[];
}

/** What can be said to a server process. Everything else is a setting. */
export function readArguments(argv: readonly string[], name = 'rollcall', description = ''): ServerArguments {
  let printed = '';
  const command = new Command(name)
    .description(description)
    .option('--config <file>', 'the YAML file with the settings, instead of ROLLCALL_CONFIG')
    .addOption(new Option('--workers <number>', WORKERS).hideHelp(name !== 'session'))
    .option('--print-config', 'show the settings that count, and where each came from, and start nothing')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => void (printed += text), writeErr: () => {} });
  const problems: ConfigProblem[] = [];
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { printConfig: false, help: printed, problems: [] };
    // Whatever else was said counts, so that all that is wrong is told at once.
    problems.push(problemOf(error));
  }
  const {
    config,
    workers,
    printConfig = false,
  } = command.opts<Partial<Record<'config' | 'workers', string>> & { printConfig?: true }>();
  return {
    printConfig,
    problems,
    ...(config === undefined ? {} : { file: config }),
    ...(workers === undefined ? {} : { workers }),
  };
}

const WORKERS = 'session servers that share the ports, instead of session.workers; 0 for one each core';

const HELP = `
Every setting can stand in the file, or in the environment, which wins: session.limits.graceMs is
ROLLCALL_SESSION_LIMITS_GRACE_MS. docs/configuration.md has them all; none is needed to begin with.

Examples:
  $ ROLLCALL_DATA_RPC_PORT=9630 ROLLCALL_DATA_HTTP_PORT=9632 ROLLCALL_DATA_DATA_DIR=./data/data-2 <this command>
  $ <this command> --config rollcall.yaml --print-config`;

/** In the form of all that is wrong with settings: commander's own has a prefix, and its guess in a line of its own. */
function problemOf({ message }: CommanderError): ConfigProblem {
  const [sentence, guess] = message.replace(/^error: /, '').split('\n');
  const key = /'([^']*)'/.exec(sentence!)?.[1] ?? 'The command line';
  const meant = /Did you mean (\S+)\?/.exec(guess ?? '')?.[1];
  if (/^unknown option/.test(sentence!))
    return { key, rule: `is not an argument; ${meant === undefined ? 'try --help' : `did you mean ${meant}?`}` };
  const [option] = key.split(' ') as [string];
  if (/^option/.test(sentence!))
    return { key: option, rule: `needs ${option === '--config' ? 'the path of a file' : 'a number'}` };
  return { key: 'The command line', rule: `is wrong: ${sentence!}` };
}
