import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { RegistryError } from '#model';
import { Described, RequestId } from '#nest';
import { type TraceReport, type TracedWay, combineTraces } from '#registry';
import { SessionHost } from '../session.host.js';
import { askPeers } from './ask-peers.js';

const api = () => import('./traces.api.js');

/**
 * The way of a publication that was published with `trace: true`. Each session server knows its own part; any of them asks
 * the others, which answer for themselves alone (`local=true`).
 */
@Controller('v1/traces')
export class TracesController {
  constructor(@Inject(SessionHost) private readonly host: SessionHost) {}

  @Get(':traceId')
  @Described(api, 'readTrace')
  async trace(
    @Param('traceId') traceId: string,
    @RequestId() requestId: string,
    @Query('local') local?: string,
  ): Promise<TraceReport | TracedWay> {
    const { core } = this.host;
    if (!core) throw new RegistryError('NOT_READY');
    const report = core.traces.report(traceId);
    if (local === 'true') return found(report);
    const members = core.table?.members ?? [];
    const others = members.filter(({ role, incarnation }) => role === 'session' && incarnation !== core.incarnation);
    const own = members.find(({ incarnation }) => incarnation === core.incarnation);
    const path = `/v1/traces/${encodeURIComponent(traceId)}?local=true`;
    const answers = await askPeers<TraceReport>(others, path, requestId);
    return found(combineTraces([{ session: own?.address ?? '', report }, ...answers]));
  }
}

function found<T>(value: T | undefined): T {
  if (value !== undefined) return value;
  throw new RegistryError('NOT_FOUND', 'No trace has this id here, or it was too long ago.');
}
