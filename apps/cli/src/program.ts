import { Command, Option } from 'commander';
import { VERSION } from '#model';
import { readDuration } from './commands/command.js';
import { addCompletion } from './commands/completion.js';
import { addConfig } from './commands/config.js';
import { addDoctor } from './commands/doctor.js';
import { addDrain } from './commands/drain.js';
import { addGet } from './commands/get.js';
import { addLists } from './commands/lists.js';
import { addMembers } from './commands/members.js';
import { addProtection } from './commands/protection.js';
import { addPublish } from './commands/publish.js';
import { addRaft } from './commands/raft.js';
import { addRebalance } from './commands/rebalance.js';
import { addRollingRestart } from './commands/rolling-restart.js';
import { addSlots } from './commands/slots.js';
import { addStatus } from './commands/status.js';
import { addSwitch } from './commands/switch.js';
import { addTrace } from './commands/trace.js';
import { addWatch } from './commands/watch.js';
import { Tasks } from './run.js';
import type { Terminal } from './terminal.js';

const DESCRIPTION = `Looks at a Rollcall cluster, steers and repairs it, from the HTTP address of any of its servers.`;

const AFTER = `
Without --address, the cluster is looked for where a single machine has it: 127.0.0.1:9615 (meta) or 127.0.0.1:9603 (session).
Every command tells more with --help, examples included.

Exit codes: 0 done, 1 refused or failed, 2 wrongly asked, 130 interrupted.`;

/** In the order of the help: to look, to use, to steer, to repair. */
const COMMANDS = [
  ...[addStatus, addDoctor, addMembers, addSlots],
  ...[addGet, addWatch, addPublish, addLists, addTrace],
  ...[addSwitch, addConfig],
  ...[addRebalance, addDrain, addProtection, addRaft, addRollingRestart, addCompletion],
];

/** All commands. Commander prints and ends nothing by itself. */
export function program(terminal: Terminal): Command {
  const tasks = new Tasks(terminal);
  const root = new Command('rollcall')
    .description(DESCRIPTION)
    .version(VERSION, '--version', 'the version of this command')
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(the same command with --help tells how it is used)')
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'rollcall: ')),
    })
    .configureHelp({ showGlobalOptions: true })
    .helpOption('-h, --help', 'what a command does, with examples')
    .helpCommand(false)
    .addHelpText('after', AFTER);
  root
    .addOption(
      new Option(
        '-a, --address <host:port>',
        'the HTTP address of any server, or several with commas (ROLLCALL_ADDRESS)',
      ),
    )
    .addOption(new Option('--token <token>', 'the admin token (ROLLCALL_ADMIN_TOKEN)'))
    .addOption(new Option('--token-file <file>', 'a file with the admin token (ROLLCALL_ADMIN_TOKEN_FILE)'))
    .addOption(new Option('--json', 'for programs'))
    .addOption(new Option('-q, --quiet', 'no progress'))
    .addOption(
      new Option('--timeout <duration>', 'how long a request may take').argParser(readDuration).default(10_000, '10s'),
    );
  for (const add of COMMANDS) add(root, tasks);
  return root;
}
