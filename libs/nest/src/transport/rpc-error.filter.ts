import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger, Optional } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { CODES, type Failure, failure } from '#model';
import { knownFailure } from './failures.js';

/** What the filter needs of a Fastify reply. */
interface Reply {
  sent: boolean;
  raw: { headersSent: boolean; destroy(): void };
  status(code: number): Reply;
  header(name: string, value: string): Reply;
  send(body: unknown): unknown;
}

/**
 * The one place where an exception becomes what the outside sees. Over RPC it is the `err` of the answer, over HTTP
 * the body `{code, message, retryAfterMs?, details?}` with the status of the code. Provide it as APP_FILTER.
 */
@Catch()
export class RpcErrorFilter implements ExceptionFilter {
  /**
   * @param report takes what is nobody's answer but a defect; without it, Nest's log does. It answers what the caller is told,
   * so that what it saw can be found again.
   */
  constructor(
    @Optional() private readonly report: (exception: unknown, host: ArgumentsHost) => Failure['details'] = logWithNest,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): Observable<never> | void {
    const answer = knownFailure(exception) ?? this.defect(exception, host);
    if (host.getType() !== 'http') return throwError(() => answer);
    this.reply(host.switchToHttp().getResponse<Reply>(), answer, exception);
  }

  private defect(exception: unknown, host: ArgumentsHost): Failure {
    const details = this.report(exception, host);
    return failure('INTERNAL', undefined, details === undefined ? {} : { details });
  }

  private reply(reply: Reply, answer: Failure, exception: unknown): void {
    // A stream of events that fails half way can only be cut; its client reconnects.
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    // A status that Nest chose itself, such as 415, is more exact than that of the code it is mapped to.
    const status = exception instanceof HttpException ? exception.getStatus() : CODES[answer.code].http;
    reply.status(status);
    if (answer.retryAfterMs !== undefined || status === 503) {
      reply.header('Retry-After', String(Math.max(1, Math.ceil((answer.retryAfterMs ?? 1000) / 1000))));
    }
    if (status === 401) reply.header('WWW-Authenticate', 'Bearer realm="rollcall"');
    const { code, message, retryAfterMs, details } = answer;
    void reply.send({
      ...{ code, message },
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(details === undefined ? {} : { details }),
    });
  }
}

function logWithNest(exception: unknown): undefined {
  new Logger(RpcErrorFilter.name).error(
    exception instanceof Error ? (exception.stack ?? exception.message) : exception,
  );
}
