import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { Described, RequestId } from '#nest';
import { type FilterName, readClientsQuery, readListQuery } from '#registry';
import { ClusterLists } from './cluster-lists.js';

const api = () => import('./lists.api.js');

const NAMES: FilterName[] = ['prefix', 'dataId', 'group', 'instanceId'];
const FILTERS = {
  connections: ['appName', 'address', 'zone'],
  subscribers: [...NAMES, 'appName', 'address', 'zone', 'connection'],
  publishers: [...NAMES, 'appName', 'address', 'zone', 'connection', 'registerId'],
  removals: [...NAMES, 'appName', 'zone', 'registerId', 'cause'],
} satisfies Record<string, FilterName[]>;

/**
 * Who is connected, who subscribes, what is registered, and what has disappeared lately: in the whole cluster, or with `local=true`
 * on this session server.
 */
@Controller('v1')
export class ListsController {
  constructor(@Inject(ClusterLists) private readonly lists: ClusterLists) {}

  @Get('connections')
  @Described(api, 'listConnections')
  @Header('cache-control', 'no-store')
  connections(@Query() query: unknown, @RequestId() requestId: string): Promise<object> {
    return this.lists.ofSessions('connections', readListQuery('connections', query, FILTERS.connections), requestId);
  }

  @Get('subscribers')
  @Described(api, 'listSubscribers')
  @Header('cache-control', 'no-store')
  subscribers(@Query() query: unknown, @RequestId() requestId: string): Promise<object> {
    return this.lists.ofSessions('subscribers', readListQuery('subscribers', query, FILTERS.subscribers), requestId);
  }

  @Get('publishers')
  @Described(api, 'listPublishers')
  @Header('cache-control', 'no-store')
  publishers(@Query() query: unknown, @RequestId() requestId: string): Promise<object> {
    return this.lists.ofSessions('publishers', readListQuery('publishers', query, FILTERS.publishers), requestId);
  }

  @Get('removals')
  @Described(api, 'listRemovals')
  @Header('cache-control', 'no-store')
  removals(@Query() query: unknown, @RequestId() requestId: string): Promise<object> {
    return this.lists.ofData('removals', readListQuery('removals', query, FILTERS.removals), requestId);
  }

  @Get('clients')
  @Described(api, 'listClients')
  @Header('cache-control', 'no-store')
  clients(@Query() query: unknown): object {
    return this.lists.clients(readClientsQuery(query));
  }
}
