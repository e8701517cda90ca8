import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { RegistryError } from '#model';
import { Described, PageTurns } from '#nest';
import { type FilterName, presentPage, readListQuery } from '#registry';
import { DataHost } from '../data.host.js';

const FILTERS: FilterName[] = [
  ...(['prefix', 'dataId', 'group', 'instanceId', 'registerId', 'cause', 'appName', 'zone'] as const),
];

/** The latest disappearances in the slots that this data server leads, newest first: who, when and why. */
@Controller('v1/removals')
export class RemovalsController {
  constructor(
    @Inject(DataHost) private readonly host: DataHost,
    @Inject(PageTurns) private readonly turns: PageTurns,
  ) {}

  @Get()
  @Described(() => import('./removals.api.js'), 'listRemovals')
  @Header('cache-control', 'no-store')
  async list(@Query() query: unknown): Promise<object> {
    const asked = readListQuery('removals', query, FILTERS);
    const { core, clocks } = this.host;
    if (!core?.table) throw new RegistryError('NOT_READY');
    return presentPage('removals', await this.turns.make(() => core.lists.removals(asked, clocks)), asked);
  }
}
