import { Controller, Get, Headers, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Described, plainAddress } from '#nest';
import { type EdgeContext, parseClientMessage } from '#registry';
import { EDGE, accepted } from '../edge.js';
import { SessionHost } from '../session.host.js';
import { streamTo } from './stream-to.js';

const api = () => import('./watch.api.js');

/** `GET /v1/config/{key}/watch`: a configuration value as server-sent events, now and after every change. */
@Controller('v1/config')
export class ConfigController {
  constructor(
    @Inject(SessionHost) private readonly host: SessionHost,
    @Inject(EDGE) private readonly edge: EdgeContext,
  ) {}

  @Get(':key/watch')
  @Described(api, 'watchConfig')
  async watch(
    @Param('key') key: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() httpRequest: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const base = parseConfigEventId(lastEventId);
    const payload = { key, subscriptionId: 'watch', ...(base ? { base } : {}) };
    const { request } = accepted(parseClientMessage('registry.watch', payload, this.edge));
    await streamTo(this.host, reply, plainAddress(httpRequest.ip), { requests: [request] });
  }
}

/** An id that is none of ours is as good as none. */
function parseConfigEventId(id: string | undefined): { clusterId: string; version: number } | undefined {
  const [clusterId, digits] = id?.split(':') ?? [];
  return clusterId && digits && /^\d{1,16}$/.test(digits) ? { clusterId, version: Number(digits) } : undefined;
}
