import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

export const REQUEST_ID_HEADER = 'x-request-id';

/** What others may call a request: enough for what proxies and tracers make, and nothing that has to be escaped anywhere. */
const REQUEST_ID = /^[\w.:/+=@-]{1,128}$/;

export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && REQUEST_ID.test(value);
}

/** What the caller calls the request, so that it finds it in our logs; an id of our own where it does not, or not properly. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers[REQUEST_ID_HEADER];
  return isRequestId(given) ? given : randomUUID();
}

/** The id of the request over HTTP that a handler serves, to be handed to whatever it asks of other servers. */
export const RequestId = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string => context.switchToHttp().getRequest<{ id: string }>().id,
);

/** As a field beside what is asked of another server; servers that do not know it pass it over. */
export function forRequest(requestId: string | undefined): { forRequest?: string } {
  return requestId === undefined ? {} : { forRequest: requestId };
}

/**
 * Which request an event or a message was caused by, where it says so. Only asked for lines of a log, so that what comes all
 * the time need not be looked at.
 */
export function requestBehind(event: object): { requestId?: string } {
  const { forRequest: own, message } = event as { forRequest?: unknown; message?: { forRequest?: unknown } | null };
  const id = own ?? message?.forRequest;
  return isRequestId(id) ? { requestId: id } : {};
}
