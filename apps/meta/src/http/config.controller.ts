import { Body, Controller, Delete, Get, Header, Headers, Inject, Param, Put, Query } from '@nestjs/common';
import { Described, RequestId } from '#nest';
import {
  type StateChanged,
  readChange,
  readConfigBody,
  readConsistency,
  readExpectedVersion,
  readList,
  readQuery,
} from '#registry';
import { canonicalAddress } from '../state/address.js';
import { StateAdministration } from '../state/administration.js';
import { IDEMPOTENCY_KEY, readIdempotencyKey } from './idempotency-key.js';

const api = () => import('./config.api.js');

/** Small values by key, which operators keep in the cluster for its clients. */
@Controller('v1/config')
export class ConfigController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  /** The keys, with the version and size of each value; all values together may be too much for one answer. */
  @Get()
  @Described(api, 'readConfigKeys')
  @Header('cache-control', 'no-store')
  async keys(@Query() query: Record<string, unknown>): Promise<object> {
    return this.state.read(...readList('configKeys', query));
  }

  @Get(':key')
  @Described(api, 'readConfig')
  @Header('cache-control', 'no-store')
  async get(@Param('key') key: string, @Query() query: unknown): Promise<object> {
    return this.state.read(readQuery({ of: 'config', key }), readConsistency(query));
  }

  @Put(':key')
  @Described(api, 'setConfig')
  async set(
    @Param('key') key: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Headers(IDEMPOTENCY_KEY) idempotencyKey: string | undefined,
    @RequestId() requestId: string,
  ): Promise<StateChanged> {
    const change = { type: 'setConfig', key, value: readConfigBody(body), ...readExpectedVersion(query) };
    return this.state.change(readChange(change, { canonicalAddress }), readIdempotencyKey(idempotencyKey), requestId);
  }

  /** Also a success where there is none, unless a version was expected. */
  @Delete(':key')
  @Described(api, 'deleteConfig')
  async delete(
    @Param('key') key: string,
    @Query() query: unknown,
    @Headers(IDEMPOTENCY_KEY) idempotencyKey: string | undefined,
    @RequestId() requestId: string,
  ): Promise<StateChanged> {
    const change = { type: 'deleteConfig', key, ...readExpectedVersion(query) };
    return this.state.change(readChange(change, { canonicalAddress }), readIdempotencyKey(idempotencyKey), requestId);
  }
}
