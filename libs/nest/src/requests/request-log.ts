import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from '../host/logger.js';
import { REQUEST_ID_HEADER } from './request-id.js';

const PATH_LENGTH_MAX = 256;

/** Requests over HTTP that take admin rights, as the guard in front of them has found. */
export type AdminRequests = WeakSet<object>;

/**
 * Tells every caller what its request is called here, and the log who has asked for what with admin rights: where it came
 * from, and how it was answered. Never what was sent, which may hold what is for nobody's eyes, nor the token.
 */
export function logRequests(fastify: FastifyInstance, logger: Logger, adminRequests: AdminRequests): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    // Past Fastify, since answers that are streams go past it too.
    reply.raw.setHeader(REQUEST_ID_HEADER, request.id);
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const fields = { ...asked(request), status: reply.raw.statusCode, ms: Math.round(reply.elapsedTime) };
    if (!adminRequests.has(request)) logger.debug('http-request', fields);
    else if (fields.status === 401) logger.warn('admin-denied', fields);
    else logger.info('admin-request', fields);
    done();
  });
}

/** A query may be anything, and says little that the path does not. */
export function asked(request: Pick<FastifyRequest, 'id' | 'ip' | 'method' | 'url'>): object {
  const { id: requestId, ip: remote, method, url } = request;
  return { requestId, remote, method, path: url.split('?', 1)[0]!.slice(0, PATH_LENGTH_MAX) };
}
