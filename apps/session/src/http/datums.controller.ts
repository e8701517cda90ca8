import { Controller, Get, Inject, Query } from '@nestjs/common';
import { Described } from '#nest';
import { type EdgeContext, parseClientMessage, presentReply } from '#registry';
import { decodeBody } from '#wire';
import { EDGE, accepted } from '../edge.js';
import { HttpCaller } from './http-caller.js';

const api = () => import('./datums.api.js');

/** Reading what is published. A name that nobody published is an empty list. */
@Controller('v1/datums')
export class DatumsController {
  constructor(
    @Inject(HttpCaller) private readonly caller: HttpCaller,
    @Inject(EDGE) private readonly edge: EdgeContext,
  ) {}

  @Get()
  @Described(api, 'readDatum')
  async query(@Query() query: unknown): Promise<object> {
    const { request, single } = accepted(parseClientMessage('registry.query', { ...(query as object) }, this.edge));
    return presentReply(await this.caller.request(request), single, decodeBody);
  }
}
