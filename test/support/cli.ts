import { runCli } from '../../apps/cli/src/run-cli.js';

export interface CliRun {
  code: number;
  out: string;
  err: string;
  /** What it printed with `--json`. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the tests read it as a stranger's script would
  json: any;
}

export interface CliOptions {
  env?: Record<string, string>;
  stdin?: string;
  /** What somebody at the terminal answers to every question; nobody is there where left out. */
  answer?: string;
  signal?: AbortSignal;
  isTty?: boolean;
  /** Told everything that is printed, as it comes. */
  printed?: (out: string) => void;
}

/** As `rollcall` with these arguments does, without a process of its own, which would take a second to start. */
export async function rollcall(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const { env = {}, stdin = '', answer, isTty = false, printed, signal = new AbortController().signal } = options;
  let out = '';
  let err = '';
  const code = await runCli(args, {
    out: (text) => {
      out += text;
      printed?.(out);
    },
    err: (text) => void (err += text),
    env,
    outIsTty: isTty,
    errIsTty: isTty,
    signal,
    readStdin: async () => stdin,
    ask: async (question) => {
      if (answer !== undefined) err += question;
      return answer;
    },
  });
  return {
    code,
    out,
    err,
    get json() {
      return JSON.parse(out);
    },
  };
}
