import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { RegistryError } from '#model';
import { PageTurns } from '#nest';
import { type FilterName, type Page, type PageWork, type SessionLists, formatCursor, readListQuery } from '#registry';
import { SessionHost } from '../session.host.js';

type ListName = 'connections' | 'subscribers' | 'publishers';

const NAMES: FilterName[] = ['prefix', 'dataId', 'group', 'instanceId'];
const FILTERS: Record<ListName, FilterName[]> = {
  connections: ['appName', 'address', 'zone'],
  subscribers: [...NAMES, 'appName', 'address', 'zone', 'connection'],
  publishers: [...NAMES, 'appName', 'address', 'zone', 'connection', 'registerId'],
};

/** Who is connected here, who subscribes, and what is registered through this server, a page at a time. */
@Controller('v1')
export class ListsController {
  constructor(
    @Inject(SessionHost) private readonly host: SessionHost,
    @Inject(PageTurns) private readonly turns: PageTurns,
  ) {}

  @Get('connections')
  @Header('cache-control', 'no-store')
  connections(@Query() query: unknown): Promise<object> {
    return this.list('connections', query);
  }

  @Get('subscribers')
  @Header('cache-control', 'no-store')
  subscribers(@Query() query: unknown): Promise<object> {
    return this.list('subscribers', query);
  }

  @Get('publishers')
  @Header('cache-control', 'no-store')
  publishers(@Query() query: unknown): Promise<object> {
    return this.list('publishers', query);
  }

  private async list(name: ListName, query: unknown): Promise<object> {
    const asked = readListQuery(name, query, FILTERS[name]);
    const { items, next } = await this.turns.make<Page<object>>(
      () => this.lists[name](asked, this.host.clocks) as PageWork<object>,
    );
    return { [name]: items, ...(next ? { next: formatCursor(name, next) } : {}) };
  }

  private get lists(): SessionLists {
    const { core } = this.host;
    if (!core?.table) throw new RegistryError('NOT_READY');
    return core.lists;
  }
}
