import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, RegistryError, formatVersion, toDataInfoId } from '#model';
import { Described, PageTurns } from '#nest';
import { type DataLists, type FilterName, formatCursor, presentPage, readListQuery } from '#registry';
import { decodeBody } from '#wire';
import { DataHost } from '../data.host.js';

const FILTERS: FilterName[] = ['prefix', 'dataId', 'group', 'instanceId'];

/** What is published in the slots that this data server leads: the names, or one of them with owners and stamps. */
@Controller('v1/datums')
export class DatumsController {
  constructor(
    @Inject(DataHost) private readonly host: DataHost,
    @Inject(PageTurns) private readonly turns: PageTurns,
  ) {}

  /** With a `dataId` that datum, as the leader of its slot holds it; else the list of all. */
  @Get()
  @Described(() => import('./datums.api.js'), 'readDatum')
  @Header('cache-control', 'no-store')
  read(@Query() query: Record<string, unknown>): Promise<object> {
    return query['dataId'] === undefined ? this.list(query) : this.contents(query);
  }

  private async list(query: unknown): Promise<object> {
    const asked = readListQuery('datums', query, FILTERS);
    const epoch = this.tableEpoch;
    const page = await this.turns.make(() => this.lists.datums(asked));
    // Where slots have changed hands meanwhile, what was led here and what elsewhere may not add up to everything.
    const tableEpoch = this.tableEpoch === epoch ? { tableEpoch: epoch } : {};
    return { ...presentPage('datums', page, asked), ...tableEpoch };
  }

  private async contents(query: unknown): Promise<object> {
    const asked = readListQuery('contents', query, FILTERS);
    const { dataId, group = DEFAULT_GROUP, instanceId = DEFAULT_INSTANCE_ID } = asked.filter;
    const dataInfoId = toDataInfoId({ dataId: dataId!, group, instanceId });
    return this.turns.make(() => this.contentsWork(dataInfoId, asked));
  }

  private *contentsWork(dataInfoId: string, asked: ReturnType<typeof readListQuery>): Generator<void, object, void> {
    const contents = this.lists.contents(dataInfoId, asked);
    if (!contents) throw new RegistryError('NOT_LEADER', 'This data server does not lead the slot of the datum.');
    const { items, next } = yield* contents.page;
    const { version, ...datum } = contents.datum;
    return {
      ...datum,
      version: formatVersion(version),
      hidden: items.filter(({ isHidden }) => isHidden).map(({ registerId }) => registerId),
      publications: items.map(({ body, ...publication }) => ({ ...publication, content: decodeBody(body) })),
      ...(next ? { next: formatCursor('contents', next) } : {}),
    };
  }

  private get lists(): DataLists {
    const { core } = this.host;
    if (!core?.table) throw new RegistryError('NOT_READY');
    return core.lists;
  }

  private get tableEpoch(): number {
    return this.host.core?.table?.epoch ?? 0;
  }
}
