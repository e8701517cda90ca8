import type { FastifyInstance } from 'fastify';
import { DurationTally } from './duration-tally.js';
import type { Observed } from './read-histogram.js';

const BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/** Requests over HTTP, by route, method and status. A route is its pattern, so that there are as many as the tier has. */
export class HttpTally {
  private readonly requests = new Map<string, { labels: Record<string, string>; value: number }>();
  private readonly durations = new DurationTally(BOUNDS_MS);

  /** Before the routes are made. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onResponse', (request, reply, done) => {
      const { url: route = 'unknown' } = request.routeOptions;
      this.note(request.is404 ? 'unknown' : route, request.method, reply.raw.statusCode);
      done();
    });
    // When the answer begins; a stream of events, which goes past Fastify, has no answer in this sense.
    fastify.addHook('onSend', (_request, reply, _payload, done) => {
      this.durations.observe(reply.elapsedTime);
      done();
    });
  }

  get counts(): Iterable<{ labels: Record<string, string>; value: number }> {
    return this.requests.values();
  }

  get took(): Observed {
    return this.durations;
  }

  private note(route: string, method: string, status: number): void {
    const key = `${method} ${route} ${status}`;
    const known = this.requests.get(key);
    if (known) known.value++;
    else this.requests.set(key, { labels: { route, method, status: String(status) }, value: 1 });
  }
}
