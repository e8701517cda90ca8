import { type Failure, failure } from '#model';
import type { SessionContext } from './context.js';
import type { ConnectionId, SessionOperation, SessionReply, SessionResult } from './contract.js';
import { BOUNDS, OVERLOADED_RETRY_MS } from './limits.js';

/** What became of operations: stored by a leader, accepted for one that cannot be reached, or refused. */
export type OperationCounts = Record<SessionResult['status'], number>;

/** A request that is not answered yet. However it ends, it is answered exactly once. */
export class Pending {
  isOpen = true;
  /** Told when it is refused. */
  onFailed: ((failure: Failure) => void) | undefined;

  constructor(
    readonly connection: ConnectionId,
    readonly requestId: number,
    readonly acceptedAtMs: number,
    /** How many units of work in hand it counts for. */
    readonly cost: number,
    private readonly requests: Requests,
  ) {}

  reply(reply: SessionReply): void {
    if (this.isOpen) this.requests.close(this, { reply });
  }

  /** One of its operations has its result. */
  counted(status: SessionResult['status']): void {
    this.requests.operations[status]++;
  }

  fail(failure: Failure): void {
    if (this.isOpen) this.requests.close(this, { failure });
  }
}

/** The requests in hand: bounded, each with one answer. */
export class Requests {
  /** So far, by their results. */
  readonly operations: OperationCounts = { stored: 0, accepted: 0, failed: 0 };
  /** Of each connection; most have one at a time, for which a set would cost more than the rest of its books. */
  private readonly open = new Map<ConnectionId, Pending | Set<Pending>>();
  private load = 0;

  constructor(private readonly context: SessionContext) {}

  get counts(): { operations: Readonly<OperationCounts>; inHand: number } {
    return { operations: this.operations, inHand: this.load };
  }

  /** Undefined when there is too much in hand; the request is then answered already. */
  begin(connection: ConnectionId, requestId: number, cost = 1): Pending | undefined {
    if (this.load + cost > BOUNDS.pending) {
      this.context.emit({ type: 'fail', connection, requestId, failure: overloaded() });
      return undefined;
    }
    const pending = new Pending(connection, requestId, this.context.nowMs, cost, this);
    this.load += cost;
    const others = this.open.get(connection);
    if (others instanceof Set) others.add(pending);
    else this.open.set(connection, others ? new Set([others, pending]) : pending);
    return pending;
  }

  close(pending: Pending, answer: { reply: SessionReply } | { failure: Failure }): void {
    pending.isOpen = false;
    this.load -= pending.cost;
    const { connection, requestId } = pending;
    const others = this.open.get(connection);
    if (others instanceof Set) others.delete(pending);
    if (others === pending || (others instanceof Set && others.size === 0)) this.open.delete(connection);
    if ('reply' in answer) {
      const { reply } = answer;
      // Of an operation that was a request of its own.
      if (reply.kind === 'leased' || reply.kind === 'persisted') this.operations.stored++;
      this.context.emit({ type: 'reply', connection, requestId, reply });
    } else {
      pending.onFailed?.(answer.failure);
      this.context.emit({ type: 'fail', connection, requestId, failure: answer.failure });
    }
  }

  failConnection(connection: ConnectionId, failure: Failure): void {
    const open = this.open.get(connection);
    if (open instanceof Set) for (const pending of open) pending.fail(failure);
    else open?.fail(failure);
  }

  failAll(failure: Failure): void {
    for (const connection of this.open.keys()) this.failConnection(connection, failure);
  }
}

/** The results of one `apply`, answered together once the last is known. */
export class Results {
  /** Of the operations, those that are traced, and who is told what they are answered. */
  traced: { ids: readonly (string | undefined)[]; answered(traceId: string, result: SessionResult): void } | undefined;
  /** Those that are not answered yet, while it is one of them. */
  unanswered: Set<Results> | undefined;
  private readonly results: (SessionResult | undefined)[];
  private missing: number;

  constructor(
    private readonly pending: Pending,
    private readonly operations: SessionOperation[],
  ) {
    this.results = Array.from({ length: operations.length });
    this.missing = operations.length;
    if (this.missing === 0) this.answer();
  }

  get acceptedAtMs(): number {
    return this.pending.acceptedAtMs;
  }

  isOpen(index: number): boolean {
    return this.pending.isOpen && this.results[index] === undefined;
  }

  settle(index: number, result: SessionResult): void {
    if (!this.isOpen(index)) return;
    this.pending.counted(result.status);
    const traceId = this.traced?.ids[index];
    if (traceId !== undefined) this.traced!.answered(traceId, result);
    this.results[index] = traceId === undefined || result.status === 'failed' ? result : { ...result, traceId };
    if (--this.missing === 0) this.answer();
  }

  /** At the deadline: the state is recorded here, and its leader will learn it. Of persistent ones nothing is. */
  acceptRest(): void {
    this.operations.forEach((operation, index) => {
      if (operation.op === 'refused' || operation.persistent) return;
      const { registerId, dataInfoId } = operation;
      this.settle(index, { status: 'accepted', registerId, dataInfoId });
    });
  }

  private answer(): void {
    this.unanswered?.delete(this);
    this.pending.reply({ kind: 'applied', results: this.results as SessionResult[] });
  }
}

/** One operation of a client that waits for its result. */
export interface Waiter {
  results: Results;
  index: number;
}

/** When the oldest of them was accepted, and whether that is traced. */
export function askedFor([oldest]: readonly Waiter[]): {
  acceptedAtMs: number | undefined;
  traceId: string | undefined;
} {
  const { acceptedAtMs, traced } = oldest?.results ?? {};
  return { acceptedAtMs, traceId: oldest && traced?.ids[oldest.index] };
}

export const NO_WAITERS: readonly Waiter[] = Object.freeze([]);

export function overloaded(): Failure {
  return failure('OVERLOADED', undefined, { retryAfterMs: OVERLOADED_RETRY_MS });
}
