import { describeFailure } from './describe-failure.js';

/** A server that has started. */
export interface RunningServer {
  /** Stops listening, says goodbye, closes the stores. */
  close(): Promise<void>;
  /** That may take so much longer than usual, since it first says that it will, and sends elsewhere whom it serves. */
  readonly drainMs?: number;
}

/** The parts of `process` that are used, so that tests can stand in for it. */
export interface ServerProcess {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
  exit(code: number): void;
  stderr: { write(text: string): unknown };
}

export interface RunServerOptions {
  /** How long a graceful close may take before the process ends without it. */
  closeTimeoutMs?: number;
  process?: ServerProcess;
  nowMs?: () => number;
}

/** A terminal's Ctrl-C reaches the process twice, from the terminal and from npm; within this time it is one request. */
const DUPLICATE_SIGNAL_MS = 1_000;

/**
 * The life of a server process: starts it, closes it at the first SIGINT or SIGTERM and exits with 0; a further signal
 * more than a second later ends the process at once. A failure of the operator's making is told in one line and exits
 * with 1, without a stack. `start` is handed `fail`, which ends the process the same way once it runs.
 */
export async function runServer(
  name: string,
  start: (fail: (error: unknown) => void) => Promise<RunningServer>,
  options: RunServerOptions = {},
): Promise<void> {
  const { closeTimeoutMs = 10_000, nowMs = () => performance.now() } = options;
  const host: ServerProcess = options.process ?? process;
  let firstSignalMs: number | undefined;
  let closeTimer: NodeJS.Timeout | undefined;
  let exited = false;

  const exit = (code: number): void => {
    if (exited) return;
    exited = true;
    clearTimeout(closeTimer);
    for (const signal of SIGNALS) host.off(signal, onSignal);
    host.exit(code);
  };
  const fail = (error: unknown): void => {
    if (exited) return;
    host.stderr.write(`${name}: ${describeFailure(error) ?? stackOf(error)}\n`);
    exit(1);
  };
  const onSignal = (): void => {
    if (firstSignalMs === undefined) {
      firstSignalMs = nowMs();
      void closeGracefully();
    } else if (nowMs() - firstSignalMs > DUPLICATE_SIGNAL_MS) {
      host.stderr.write(`${name}: stopped at once, without waiting for a clean close\n`);
      exit(1);
    }
  };
  const closeWithin = (ms: number): void => {
    clearTimeout(closeTimer);
    closeTimer = setTimeout(() => {
      host.stderr.write(`${name}: did not close within ${ms} ms and was ended\n`);
      exit(1);
    }, ms);
  };
  const closeGracefully = async (): Promise<void> => {
    closeWithin(closeTimeoutMs);
    try {
      // A signal during the start waits for it: what is half started cannot be closed.
      const server = await starting;
      if (server?.drainMs) closeWithin(closeTimeoutMs + server.drainMs);
      await server?.close();
      exit(0);
    } catch (error) {
      fail(error);
    }
  };

  for (const signal of SIGNALS) host.on(signal, onSignal);
  const starting = Promise.resolve()
    .then(() => start(fail))
    .catch((error: unknown) => {
      fail(error);
      return undefined;
    });
  await starting;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
