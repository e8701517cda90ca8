import { type Code, RegistryError } from '#model';

/** After these it is certain that nothing was done, and another attempt may succeed. */
const NOT_DONE: ReadonlySet<Code> = new Set<Code>(['NO_LEADER', 'OVERLOADED']);
/** After these it may have been done, or be done yet: the leader was lost with the answer. */
const UNKNOWN: ReadonlySet<Code> = new Set<Code>([
  ...(['NOT_LEADER', 'CONNECTION_CLOSED', 'DEADLINE_EXCEEDED', 'SHUTTING_DOWN', 'STORE_FAILED', 'INTERNAL'] as const),
]);

/**
 * What to make of the failures of a request that is the leader's, which may change while it is asked. A read can be
 * repeated freely; a change too, since it is proposed under one id and so applied at most once. What remains open at the
 * end is said to be so.
 */
export class Attempts {
  private mayBeDone = false;

  constructor(
    private readonly what: 'read' | 'change',
    private readonly deadlineMs: number,
  ) {}

  /** The answer to give; undefined when another attempt is to be made. */
  failed(nowMs: number, error: RegistryError): RegistryError | undefined {
    if (!NOT_DONE.has(error.code) && !UNKNOWN.has(error.code)) return error;
    if (UNKNOWN.has(error.code)) this.mayBeDone = true;
    if (nowMs < this.deadlineMs) return undefined;
    return this.what === 'change' && this.mayBeDone ? outcomeUnknown(error) : error;
  }
}

function outcomeUnknown(cause: RegistryError): RegistryError {
  const message =
    'It is not known whether the change was made; it may still be. Ask what is set, or repeat the request with the ' +
    `Idempotency-Key that it had. (${cause.message})`;
  return new RegistryError('OUTCOME_UNKNOWN', message, { cause });
}
