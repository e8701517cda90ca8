import { Controller, Get, Header, Inject, Param, Query } from '@nestjs/common';
import { RegistryError, parseDataInfoId } from '#model';
import { Described } from '#nest';
import { type DataCore, formatCursor, readListQuery } from '#registry';
import { DataHost } from '../data.host.js';

const api = () => import('./slots.api.js');

/** As many as there can be: all of them are one page unless less is asked for. */
const SLOTS = { usual: 16_384, most: 16_384 };

/** What this one data server holds, for people who want to know why something is visible, or is not. */
@Controller('v1')
export class SlotsController {
  constructor(@Inject(DataHost) private readonly host: DataHost) {}

  /** The slots led here, how complete they are, and how far their followers are behind. */
  @Get('slots')
  @Described(api, 'readHeldSlots')
  @Header('cache-control', 'no-store')
  slots(@Query() query: unknown): object {
    const { core } = this;
    const { limit, after } = readListQuery('slots', query, [], SLOTS);
    const behind = after?.[0] ?? -1;
    const held = [...new Set(core.slotNumbers)].filter((slot) => slot > behind).toSorted((a, b) => a - b);
    const page = new Set(held.slice(0, limit));
    const isAsked = (slot: number): boolean => page.has(slot);
    const next = held.length > limit ? { next: formatCursor('slots', [held[limit - 1]!]) } : {};
    return { slots: core.slots(isAsked), following: core.following(isAsked), ...next };
  }

  @Get('stats')
  @Described(api, 'readStats')
  @Header('cache-control', 'no-store')
  stats(): object {
    return this.core.stats();
  }

  /** The latest disappearances in a slot that is held here, newest first: who asked for each, when, and why. */
  @Get('slots/:slot/removals')
  @Described(api, 'readSlotRemovals')
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
