import { Body, Controller, Get, Header, Headers, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { Described, RequestId } from '#nest';
import { readConfirmBody, readConsistency } from '#registry';
import { StateAdministration } from '../state/administration.js';
import { IDEMPOTENCY_KEY, readIdempotencyKey } from './idempotency-key.js';

const api = () => import('./protection.api.js');

/** While so many servers are missed, nothing is removed on their account. */
@Controller('v1/protection')
export class ProtectionController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  @Get()
  @Described(api, 'readProtection')
  @Header('cache-control', 'no-store')
  async read(@Query() query: unknown): Promise<object> {
    return this.state.read({ of: 'protection' }, readConsistency(query));
  }

  /** Those that are missed are not coming back. It says so of what stands now, and of nothing that begins meanwhile. */
  @Post('confirm')
  @Described(api, 'confirmLoss')
  @HttpCode(200)
  async confirm(
    @Body() body: unknown,
    @Headers(IDEMPOTENCY_KEY) key: string | undefined,
    @RequestId() requestId: string,
  ): Promise<object> {
    const role = readConfirmBody(body);
    const id = readIdempotencyKey(key);
    const { epoch } = (await this.state.read({ of: 'protection' }, 'linearizable')) as { epoch: number };
    const { changed } = await this.state.change({ type: 'confirmLoss', epoch, ...role }, id, requestId);
    return { changed, ...(await this.state.read({ of: 'protection' }, 'linearizable')) };
  }
}
