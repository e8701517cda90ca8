import { Controller, Get, Inject, Query } from '@nestjs/common';
import { Described, RequestId } from '#nest';
import {
  type EdgeContext,
  type FilterName,
  type ListQuery,
  formatCursor,
  parseClientMessage,
  presentReply,
  publicationsAfter,
  readListQuery,
} from '#registry';
import { decodeBody } from '#wire';
import { EDGE, accepted } from '../edge.js';
import { ClusterLists } from './cluster-lists.js';
import { HttpCaller } from './http-caller.js';

const api = () => import('./datums.api.js');
const NAMES: FilterName[] = ['prefix', 'group', 'instanceId'];

/**
 * Reading what is published: with a `dataId` that datum, where a name that nobody published is an empty list; else the names in
 * the whole cluster.
 */
@Controller('v1/datums')
export class DatumsController {
  constructor(
    @Inject(HttpCaller) private readonly caller: HttpCaller,
    @Inject(EDGE) private readonly edge: EdgeContext,
    @Inject(ClusterLists) private readonly lists: ClusterLists,
  ) {}

  @Get()
  @Described(api, 'readDatum')
  async read(@Query() query: Record<string, unknown>, @RequestId() requestId: string): Promise<object> {
    const { limit, after, ...view } = query;
    if (view['dataId'] === undefined)
      return this.lists.ofData('datums', readListQuery('datums', query, NAMES), requestId);
    const isPaged = limit !== undefined || after !== undefined;
    const given = { ...(limit === undefined ? {} : { limit }), ...(after === undefined ? {} : { after }) };
    return this.query(view, isPaged ? readListQuery('publishers-of', given, []) : undefined);
  }

  /** All of it, as clients need it, unless a page is asked for. */
  private async query(view: object, page: ListQuery | undefined): Promise<object> {
    const { request, single } = accepted(parseClientMessage('registry.query', { ...view }, this.edge));
    const reply = await this.caller.request(request);
    if (!page || reply.kind !== 'datum') return presentReply(reply, single, decodeBody);
    const { publications, next } = publicationsAfter(reply.frame.publications, page);
    const answer = presentReply({ ...reply, frame: { ...reply.frame, publications } }, single, decodeBody);
    return { ...answer, ...(next ? { next: formatCursor('publishers-of', next) } : {}) };
  }
}
