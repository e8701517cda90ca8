import { Body, Controller, Get, Header, Headers, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { Described, RequestId } from '#nest';
import { type StateChanged, readAbandonBody, readList } from '#registry';
import { StateAdministration } from '../state/administration.js';
import { IDEMPOTENCY_KEY, readIdempotencyKey } from './idempotency-key.js';

const api = () => import('./slots.api.js');

/** Who leads and who follows in each slot, and where they are reached. */
@Controller('v1/slots')
export class SlotsController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  @Get()
  @Described(api, 'readSlots')
  @Header('cache-control', 'no-store')
  async read(@Query() query: Record<string, unknown>): Promise<object> {
    return this.state.read(...readList('slots', query));
  }

  /**
   * A slot that waits for a disk with its persistent publications begins anew without them: none of `disks` is coming
   * back. Where it does not wait, or has been led since, nothing is changed.
   */
  @Post(':slot/abandon')
  @Described(api, 'abandonSlot')
  @HttpCode(200)
  async abandon(
    @Param('slot') slot: string,
    @Body() body: unknown,
    @Headers(IDEMPOTENCY_KEY) key: string | undefined,
    @RequestId() requestId: string,
  ): Promise<StateChanged> {
    return this.state.change(readAbandonBody(slot, body), readIdempotencyKey(key), requestId);
  }
}
