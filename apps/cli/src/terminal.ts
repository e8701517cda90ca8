import { createInterface } from 'node:readline/promises';

/** Where a command reads and writes, handed in so that tests can be its terminal. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether people look at what is printed, and at what is told meanwhile. */
  readonly outIsTty: boolean;
  readonly errIsTty: boolean;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readStdin(): Promise<string>;
  /** Undefined where nobody is there to answer. */
  ask(question: string): Promise<string | undefined>;
}

/** The terminal of this process. What reads it may go away (`| head`), which ends the process and is no failure. */
export function processTerminal(): Terminal {
  const interrupted = new AbortController();
  let times = 0;
  const onSignal = (): void => {
    // Whoever asks twice does not want to wait.
    if (++times > 1) process.exit(130);
    interrupted.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
      throw error;
    });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    outIsTty: process.stdout.isTTY === true,
    errIsTty: process.stderr.isTTY === true,
    signal: interrupted.signal,
    async readStdin() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString();
    },
    async ask(question) {
      if (!process.stdin.isTTY) return undefined;
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await lines.question(question, { signal: interrupted.signal });
      } finally {
        lines.close();
      }
    },
  };
}
