import { Controller, Get, Headers, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RegistryError, parseVersion } from '#model';
import { plainAddress } from '#nest';
import { type EdgeContext, type SubscriberBase, parseClientMessage, parseViewHash } from '#registry';
import { EDGE, accepted } from '../edge.js';
import { SessionHost } from '../session.host.js';
import { EventStream } from './event-stream.js';

/**
 * `GET /v1/watch`: a datum as server-sent events, a snapshot first and then one for every change; with `deltas=true` only
 * what has changed, where that applies to what the reader was sent before.
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
    const { deltas, ...view } = query as Record<string, unknown>;
    const payload = { ...view, subscriptionId: 'watch', deltas: FLAGS[String(deltas)] ?? deltas };
    const { request } = accepted(parseClientMessage('registry.subscribe', payload, this.edge));
    if (request.kind !== 'subscribe') throw new RegistryError('INTERNAL');
    const base = parseEventId(lastEventId);
    const stream = new EventStream(reply, (isBackedUp) => this.host.backedUp(connection, isBackedUp));
    const connection = this.host.connect(plainAddress(httpRequest.ip), stream);
    stream.onClose(() => this.host.disconnect(connection));
    try {
      await this.host.request(connection, { ...request, wholeOnly: true, ...(base ? { base } : {}) });
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

/** What a query string can say of a flag. */
const FLAGS: Record<string, boolean> = { true: true, false: false };

/** An id that is none of ours is as good as none: everything is sent. */
function parseEventId(id: string | undefined): SubscriberBase | undefined {
  const [clusterId, text, digits] = id?.split(':') ?? [];
  const version = text === undefined ? undefined : parseVersion(text);
  const hash = parseViewHash(digits);
  return clusterId && version ? { clusterId, version, ...(hash ? { hash } : {}) } : undefined;
}
