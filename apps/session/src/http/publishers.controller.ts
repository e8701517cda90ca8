import { Body, Controller, Delete, HttpCode, Inject, Param, Post, Put } from '@nestjs/common';
import { RegistryError, formatVersion } from '#model';
import { Access, Described } from '#nest';
import { type EdgeContext, parseLeasedId, parseLeasedPublish } from '#registry';
import { EDGE, accepted } from '../edge.js';
import { HttpCaller } from './http-caller.js';

const api = () => import('./publishers.api.js');

/** Registering without a connection: it lives until its lease ends, or, if it is persistent, until it is removed. */
@Access('open')
@Controller('v1/publishers')
export class PublishersController {
  constructor(
    @Inject(HttpCaller) private readonly caller: HttpCaller,
    @Inject(EDGE) private readonly edge: EdgeContext,
  ) {}

  @Post()
  @Described(api, 'publish')
  async publish(@Body() body: unknown): Promise<object> {
    const { request } = accepted(parseLeasedPublish(body, this.edge));
    const reply = await this.caller.request(request);
    if (reply.kind === 'announced')
      return { registerId: reply.registerId, dataInfoId: reply.dataInfoId, state: 'announced' };
    if (reply.kind !== 'leased' && reply.kind !== 'persisted') throw new RegistryError('INTERNAL');
    if (request.kind !== 'leasedPublish' && request.kind !== 'persistentPublish') throw new RegistryError('INTERNAL');
    return {
      registerId: reply.registerId,
      dataInfoId: request.publication.dataInfoId,
      version: formatVersion(reply.version),
      ...(reply.traceId === undefined ? {} : { traceId: reply.traceId }),
      ...(reply.kind === 'leased' ? { leaseMs: reply.leaseMs } : { persistent: true }),
      state: 'stored',
    };
  }

  @Put(':registerId/lease')
  @Described(api, 'renewLease')
  async renew(@Param('registerId') registerId: string): Promise<object> {
    const reply = await this.caller.request(accepted(parseLeasedId(registerId, 'renew')).request);
    if (reply.kind !== 'renewed') throw new RegistryError('INTERNAL');
    return { expiresInMs: reply.expiresInMs };
  }

  /** An id that was never given out has nothing to be removed: that is success too. */
  @Delete(':registerId')
  @HttpCode(204)
  @Described(api, 'unpublish')
  async unpublish(@Param('registerId') registerId: string): Promise<void> {
    const parsed = parseLeasedId(registerId, 'leasedUnpublish');
    if (parsed.ok) await this.caller.request(parsed.request);
  }
}
