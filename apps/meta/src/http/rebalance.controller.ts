import { Controller, Get, Header, Headers, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { Described, RequestId } from '#nest';
import { type StateChanged, type StateQuery, readConsistency, readExpectedVersion, readQuery } from '#registry';
import { StateAdministration } from '../state/administration.js';
import { IDEMPOTENCY_KEY, readIdempotencyKey } from './idempotency-key.js';

const api = () => import('./rebalance.api.js');

/** What the planner moves between data servers, what it is about to move and why, and whether it may. */
@Controller('v1/rebalance')
export class RebalanceController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  @Get()
  @Described(api, 'readRebalance')
  @Header('cache-control', 'no-store')
  async now(@Query() query: Record<string, unknown>): Promise<object> {
    return this.read('rebalance', query);
  }

  /** A dry run. */
  @Get('plan')
  @Described(api, 'readRebalancePlan')
  @Header('cache-control', 'no-store')
  async ahead(@Query() query: Record<string, unknown>): Promise<object> {
    return this.read('rebalancePlan', query);
  }

  /** Nothing is moved for balance from now on. Slots get leaders and lost replicas, and drains go on, as ever. */
  @Post('pause')
  @Described(api, 'pauseRebalance')
  @HttpCode(200)
  async pause(
    @Query() query: unknown,
    @Headers(IDEMPOTENCY_KEY) key: string | undefined,
    @RequestId() requestId: string,
  ): Promise<StateChanged> {
    return this.change(true, query, key, requestId);
  }

  @Post('resume')
  @Described(api, 'resumeRebalance')
  @HttpCode(200)
  async resume(
    @Query() query: unknown,
    @Headers(IDEMPOTENCY_KEY) key: string | undefined,
    @RequestId() requestId: string,
  ): Promise<StateChanged> {
    return this.change(false, query, key, requestId);
  }

  private read(of: StateQuery['of'], { limit, drain, ...rest }: Record<string, unknown>): Promise<object> {
    const given = { of, ...(limit === undefined ? {} : { limit }), ...(drain === undefined ? {} : { drain }) };
    return this.state.read(readQuery(given), readConsistency(rest));
  }

  private change(paused: boolean, query: unknown, key: string | undefined, requestId: string): Promise<StateChanged> {
    const change = { type: 'setRebalance' as const, paused, ...readExpectedVersion(query) };
    return this.state.change(change, readIdempotencyKey(key), requestId);
  }
}
