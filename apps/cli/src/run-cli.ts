import { CommanderError } from 'commander';
import { CliFailure, EXIT } from './failures.js';
import { program } from './program.js';
import type { Terminal } from './terminal.js';

/** Runs one command. Answers the exit code. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await program(terminal).parseAsync([...args], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (terminal.signal.aborted) return EXIT.interrupted;
    if (error instanceof CliFailure) {
      if (error.message !== '') terminal.err(`rollcall: ${error.message}\n`);
      return error.exitCode;
    }
    // A defect of this program, for which the stack is wanted.
    terminal.err(`rollcall: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT.failed;
  }
}
