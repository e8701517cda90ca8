import type { Failure } from '#model';

/** Done; refused or failed; wrongly asked, or asked without the confirmation that it needs. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** What ends a command with one line that says what is wrong and, where that is known, what to do. */
export class CliFailure extends Error {
  readonly exitCode: number = EXIT.failed;
}

/** Nothing has been done. */
export class WrongUsage extends CliFailure {
  override readonly exitCode = EXIT.usage;
}

/** All has been said already. */
export class Ended extends CliFailure {
  constructor(override readonly exitCode: number) {
    super('');
  }
}

/** A server that answered, and said no. */
export class Refused extends CliFailure {
  readonly code: string;
  readonly status: number;
  readonly details: Record<string, unknown>;

  constructor(status: number, failure: Partial<Failure>, where: string) {
    const { code = `HTTP ${status}`, message = `The server at ${where} answered ${status}.`, details = {} } = failure;
    super(`${message} (${code})${hintFor(code)}`);
    this.code = code;
    this.status = status;
    this.details = details;
  }
}

/** No answer came: nothing is known of what has become of a request that changes something. */
export class Unreachable extends CliFailure {
  constructor(
    readonly where: string,
    readonly reason: string,
    advice = 'Is a server running there? Name the HTTP address of any server of the cluster with --address HOST:PORT, or in ROLLCALL_ADDRESS.',
  ) {
    super(`${where} cannot be reached: ${reason}. ${advice}`);
  }
}

function hintFor(code: string): string {
  if (code !== 'UNAUTHORIZED') return '';
  return ' Give the admin token with --token-file FILE, --token TOKEN or ROLLCALL_ADMIN_TOKEN.';
}

/** The reason of a failed connection in the fewest words, from the chain of causes. */
export function reasonOf(error: unknown): string {
  let last = String(error);
  for (let cause = error; isErrorLike(cause); cause = cause.cause) {
    const known = REASONS[cause.code ?? cause.name];
    if (known !== undefined) return known;
    last = cause.message.replace(/\.$/, '');
  }
  return last;
}

/** Errors of other realms, and those of the web, are none by `instanceof`. */
function isErrorLike(value: unknown): value is Error & { code?: string } {
  return typeof value === 'object' && value !== null && 'message' in value;
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  TimeoutError: 'no answer came in time',
  ETIMEDOUT: 'no answer came in time',
};
