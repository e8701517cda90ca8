import { Controller, Get, Headers, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RegistryError } from '#model';
import { plainAddress } from '#nest';
import { type EdgeContext, parseWatch } from '#registry';
import { EDGE } from '../edge.js';
import { SessionHost } from '../session.host.js';
import { EventStream } from './event-stream.js';

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
  async watch(
    @Query() query: unknown,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() httpRequest: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const parsed = parseWatch(query, lastEventId, this.edge);
    if (!parsed.ok) throw RegistryError.from(parsed.failure);
    const { subscriptions, ids } = parsed;
    const stream = new EventStream(reply, ids, (isBackedUp) => this.host.backedUp(connection, isBackedUp));
    const connection = this.host.connect(plainAddress(httpRequest.ip), stream);
    stream.onClose(() => this.host.disconnect(connection));
    try {
      await Promise.all(subscriptions.map((subscription) => this.host.request(connection, subscription)));
    } catch (error) {
      this.host.disconnect(connection);
      // Nothing is sent before the first push, so the refusal can still be an ordinary answer.
      if (!stream.isOpen) throw error;
      stream.close();
      return;
    }
    stream.open();
  }
}
