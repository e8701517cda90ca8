import { HttpException } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { type Code, type Failure, failure, RegistryError } from '#model';
import { isFailure } from '#wire';

/**
 * The failure that an exception stands for, or undefined when it is nobody's answer but a defect: the edge then logs
 * it and says INTERNAL, without its message, which may hold what is none of the caller's business.
 */
export function knownFailure(exception: unknown): Failure | undefined {
  if (exception instanceof RegistryError) return exception.toFailure();
  if (isFailure(exception)) return exception;
  if (exception instanceof RpcException) {
    const error = exception.getError();
    return isFailure(error) ? error : failure('BAD_REQUEST', exception.message);
  }
  if (exception instanceof HttpException) return fromHttp(exception);
  return undefined;
}

/** Nest's own exceptions: a body that is not JSON or too large, an unknown route, what a guard or pipe refused. */
function fromHttp(exception: HttpException): Failure {
  const response = exception.getResponse();
  const details = typeof response === 'object' ? { ...(response as Record<string, unknown>) } : {};
  // What Nest repeats in every response says nothing that the code does not.
  delete details['statusCode'];
  if (typeof details['error'] === 'string') delete details['error'];
  if (details['message'] === exception.message) delete details['message'];
  return failure(
    codeOfStatus(exception.getStatus()),
    exception.message,
    Object.keys(details).length > 0 ? { details } : {},
  );
}

function codeOfStatus(status: number): Code {
  if (status === 401) return 'UNAUTHORIZED';
  if (status === 404) return 'NOT_FOUND';
  if (status === 413) return 'BODY_TOO_LARGE';
  if (status === 408 || status === 504) return 'DEADLINE_EXCEEDED';
  if (status === 429) return 'OVERLOADED';
  if (status === 503) return 'NOT_READY';
  return status < 500 ? 'BAD_REQUEST' : 'INTERNAL';
}
