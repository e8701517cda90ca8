import { Body, Controller, Get, Header, Headers, Inject, Put, Query } from '@nestjs/common';
import { Described, RequestId } from '#nest';
import { type StateChanged, readChange, readConsistency, readExpectedVersion } from '#registry';
import { canonicalAddress } from '../state/address.js';
import { StateAdministration } from '../state/administration.js';
import { IDEMPOTENCY_KEY, readIdempotencyKey } from './idempotency-key.js';

const api = () => import('./switches.api.js');

/** What is switched in the whole cluster while it runs. Members are told as soon as a change is committed. */
@Controller('v1/switches')
export class SwitchesController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  @Get()
  @Described(api, 'readSwitches')
  @Header('cache-control', 'no-store')
  async read(@Query() query: unknown): Promise<object> {
    return this.state.read({ of: 'switches' }, readConsistency(query));
  }

  /** Those that the body does not name stay as they are. */
  @Put()
  @Described(api, 'setSwitches')
  async set(
    @Body() changes: unknown,
    @Query() query: unknown,
    @Headers(IDEMPOTENCY_KEY) key: string | undefined,
    @RequestId() requestId: string,
  ): Promise<StateChanged> {
    const change = { type: 'setSwitches', changes, ...readExpectedVersion(query) };
    return this.state.change(readChange(change, { canonicalAddress }), readIdempotencyKey(key), requestId);
  }
}
