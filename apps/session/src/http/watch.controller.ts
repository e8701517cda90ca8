import { Controller, Get, Headers, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RegistryError } from '#model';
import { Described, plainAddress } from '#nest';
import { type EdgeContext, parseWatch } from '#registry';
import { EDGE } from '../edge.js';
import { SessionHost } from '../session.host.js';
import { streamTo } from './stream-to.js';

const api = () => import('./watch.api.js');

/**
 * `GET /v1/watch`: one or several datums as server-sent events, of each a snapshot first and then one for every change; with
 * `deltas=true` only what has changed, where that applies to what the reader was sent before.
 */
@Controller('v1/watch')
export class WatchController {
  constructor(
    @Inject(SessionHost) private readonly host: SessionHost,
    @Inject(EDGE) private readonly edge: EdgeContext,
  ) {}

  @Get()
  @Described(api, 'watch')
  async watch(
    @Query() query: unknown,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() httpRequest: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const parsed = parseWatch(query, lastEventId, this.edge);
    if (!parsed.ok) throw RegistryError.from(parsed.failure);
    const { subscriptions, ids } = parsed;
    await streamTo(this.host, reply, plainAddress(httpRequest.ip), { requests: subscriptions, ids });
  }
}
