import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { WrongUsage } from './failures.js';
import { type Paint, painter } from './output/paint.js';
import { Progress } from './output/progress.js';
import { Cluster } from './servers/cluster.js';
import type { Terminal } from './terminal.js';

/** Options that every command has. */
export interface GlobalOptions {
  address?: string;
  token?: string;
  tokenFile?: string;
  json?: true;
  quiet?: true;
  timeout: number;
}

/** One run of a command: what it was asked, where it prints, and the way to the servers. */
export class Run {
  readonly paint: Paint;
  readonly cluster: Cluster;
  readonly progress: Progress;
  readonly isJson: boolean;
  /** How long a request may take. */
  readonly timeoutMs: number;

  constructor(
    readonly terminal: Terminal,
    options: GlobalOptions,
  ) {
    const { json = false, quiet = false, timeout } = options;
    this.isJson = json;
    this.timeoutMs = timeout;
    this.paint = painter(terminal.outIsTty, terminal.env);
    this.progress = new Progress(terminal, quiet);
    const token = tokenOf(options, terminal.env);
    const addresses = (options.address ?? terminal.env['ROLLCALL_ADDRESS'])?.split(',').map((each) => each.trim());
    this.cluster = new Cluster(addresses, { token, timeoutMs: timeout, signal: terminal.signal });
  }

  get signal(): AbortSignal {
    return this.terminal.signal;
  }

  /** What programs read, or the same for people. */
  print(value: unknown, lines: () => readonly string[]): void {
    this.progress.end();
    if (this.isJson) this.terminal.out(`${JSON.stringify(value, undefined, 2)}\n`);
    else
      this.terminal.out(
        lines()
          .map((line) => `${line}\n`)
          .join(''),
      );
  }

  /** One of several, where more is to come: a line for programs too. */
  printNext(value: unknown, lines: () => readonly string[]): void {
    this.progress.end();
    if (this.isJson) this.terminal.out(`${JSON.stringify(value)}\n`);
    else
      this.terminal.out(
        lines()
          .map((line) => `${line}\n`)
          .join(''),
      );
  }

  /**
   * Asks before something that cannot be undone.
   * @throws WrongUsage where there is nobody to ask
   */
  async isSure(what: string): Promise<boolean> {
    this.progress.end();
    const answer = await this.terminal.ask(`${what}\nIf that is what you want, type yes: `);
    if (answer === undefined)
      throw new WrongUsage(`${what} If that is what you want, say --yes. Nothing has been changed.`);
    return answer.trim() === 'yes';
  }

  /** Beside what is printed, for people. */
  note(text: string): void {
    this.progress.end();
    this.terminal.err(`${text}\n`);
  }
}

/** A token in an argument is seen by whoever lists processes, so there are other ways. Of a file, the first that it holds. */
function tokenOf({ token, tokenFile }: GlobalOptions, env: Terminal['env']): string | undefined {
  if (token !== undefined) return token;
  const file = tokenFile ?? (env['ROLLCALL_ADMIN_TOKEN'] ? undefined : env['ROLLCALL_ADMIN_TOKEN_FILE']);
  if (!file) return env['ROLLCALL_ADMIN_TOKEN'] || undefined;
  let lines: string[];
  try {
    lines = readFileSync(file, 'utf8').split(/\r?\n/);
  } catch (error) {
    throw new WrongUsage(`The token file cannot be read: ${(error as Error).message}.`);
  }
  const first = lines.map((line) => line.trim()).find((line) => line !== '' && !line.startsWith('#'));
  if (first === undefined) throw new WrongUsage(`The token file ${file} holds no token.`);
  return first;
}

/** Makes an action of a command out of what it does in a run. Commander adds its options and itself to the arguments. */
export class Tasks {
  constructor(private readonly terminal: Terminal) {}

  of<Arguments extends unknown[]>(
    perform: (run: Run, ...args: Arguments) => Promise<void>,
  ): (...args: [...Arguments, Command]) => Promise<void> {
    return async (...all) => {
      const command = all.at(-1) as Command;
      const run = new Run(this.terminal, command.optsWithGlobals());
      try {
        await perform(run, ...(all.slice(0, -1) as Arguments));
      } finally {
        run.progress.end();
      }
    };
  }
}
