import { Controller, Get, Header, Inject, Param } from '@nestjs/common';
import { RegistryError, parseDataInfoId } from '#model';
import type { DataCore } from '#registry';
import { DataHost } from '../data.host.js';

/** What this one data server holds, for people who want to know why something is visible, or is not. */
@Controller('v1')
export class SlotsController {
  constructor(@Inject(DataHost) private readonly host: DataHost) {}

  /** The slots led here, how complete they are, and how far their followers are behind. */
  @Get('slots')
  @Header('cache-control', 'no-store')
  slots(): object {
    return { slots: this.core.slots(), following: this.core.following() };
  }

  @Get('stats')
  @Header('cache-control', 'no-store')
  stats(): object {
    return this.core.stats();
  }

  /** The latest disappearances in a slot that is held here, newest first: who asked for each, when, and why. */
  @Get('slots/:slot/removals')
  @Header('cache-control', 'no-store')
  removals(@Param('slot') text: string): object {
    const slot = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
    if (!(slot < (this.core.table?.slots.length ?? 0)))
      throw new RegistryError('NOT_FOUND', `There is no slot ${text}.`, { details: { field: 'slot' } });
    const nowMs = this.host.nowMs();
    const removals = this.core.removals(slot).map(({ dataInfoId, registerId, cause, by, atMs, stamp }) => ({
      ...parseDataInfoId(dataInfoId),
      registerId,
      cause,
      by,
      agoMs: Math.round(nowMs - atMs),
      stamp,
    }));
    return { slot, removals: removals.toReversed() };
  }

  private get core(): DataCore {
    const { core } = this.host;
    if (!core) throw new RegistryError('NOT_READY');
    return core;
  }
}
