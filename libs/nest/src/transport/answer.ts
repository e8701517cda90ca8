import { Observable } from 'rxjs';
import { type Failure, failure, isPlainObject } from '#model';
import type { RequestId, ResponsePacket, SharedBody } from '#wire';
import type { Connection } from './connection.js';
import { knownFailure } from './failures.js';
import type { RequestTally } from './request-tally.js';

const NOTHING = (): void => undefined;

/**
 * The answer, or stream of answers, to one request. Nest's own stream feeds it, unless the handler has kept it: then it says
 * by itself what follows, and when that ends. What Nest holds for an open stream takes several times the memory, and gives
 * each answer a turn of the event loop of its own.
 */
export class Answer {
  private stop: () => void = NOTHING;
  private over = false;
  private counted = true;
  private isKept = false;
  /** Until its first word; NaN then. */
  private askedAtMs = performance.now();

  constructor(
    private readonly connection: Connection,
    private readonly id: RequestId,
    private readonly onDefect: (error: unknown) => void,
    private readonly tally: RequestTally,
  ) {
    connection.inFlight++;
    tally.open++;
  }

  /** What the handler returns is of no account from now on, unless it fails. */
  keep(): void {
    this.isKept = true;
  }

  /** `source`, ended when the connection closes, and never begun if it has closed already. */
  open(source: Observable<unknown>): Observable<unknown> {
    if (this.isKept) return source;
    return new Observable((subscriber) => {
      this.stop = () => subscriber.complete();
      subscriber.add(() => this.release());
      subscriber.add(this.connection.onClose(this.stop));
      if (!subscriber.closed) source.subscribe(subscriber);
    });
  }

  /** What comes of that. */
  send(data: Partial<ResponsePacket>): void {
    if (data.err !== undefined) this.fail(data.err);
    else if (!this.isKept) this.respond(data);
  }

  /** One answer of those that its keeper gives. */
  next(response: unknown): void {
    this.respond({ response });
  }

  /** The same, with a body that was encoded for others too. */
  nextShared(body: SharedBody): void {
    if (this.over) return;
    this.answered('OK');
    try {
      this.connection.respondShared(this.id, body);
    } catch (error) {
      this.fail(error);
    }
  }

  /** All that its handler has to say, which has returned it; nothing, if it has kept this. */
  only(response: unknown): void {
    if (!this.isKept) this.conclude({ response });
  }

  /** Its keeper has nothing more to say. */
  end(): void {
    this.conclude({});
  }

  /** The last word. */
  fail(error: unknown): void {
    if (this.over) return;
    this.over = true;
    this.stop();
    this.release();
    const err = this.readable(error);
    this.answered((err as Partial<Failure>).code);
    try {
      this.connection.respond({ id: this.id, err, isDisposed: true });
    } catch (cause) {
      this.onDefect(cause);
      this.connection.respond({ id: this.id, err: failure('INTERNAL'), isDisposed: true });
    }
  }

  private conclude(data: Partial<ResponsePacket>): void {
    this.respond({ ...data, isDisposed: true });
    this.over = true;
    this.release();
  }

  private respond(data: Partial<ResponsePacket>): void {
    if (this.over) return;
    this.answered('OK');
    try {
      this.connection.respond({ ...data, id: this.id });
    } catch (error) {
      this.fail(error);
    }
  }

  /** A failure, or the plain object that a stock filter made; anything else is a defect of the handler. */
  private readable(error: unknown): unknown {
    const known = knownFailure(error);
    if (known !== undefined) return known;
    if (isPlainObject(error)) return error;
    this.onDefect(error);
    return failure('INTERNAL');
  }

  private answered(code: string | undefined): void {
    if (Number.isNaN(this.askedAtMs)) return;
    this.tally.count(code);
    this.tally.durations.observe(performance.now() - this.askedAtMs);
    this.askedAtMs = NaN;
  }

  private release(): void {
    if (!this.counted) return;
    this.counted = false;
    this.connection.inFlight--;
    this.tally.open--;
  }
}
