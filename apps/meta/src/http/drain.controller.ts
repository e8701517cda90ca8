import { Body, Controller, Delete, Get, Header, Headers, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { Described, RequestId } from '#nest';
import { type StateChange, readChange, readConsistency, readDrainBody, readQuery } from '#registry';
import { canonicalAddress } from '../state/address.js';
import { StateAdministration } from '../state/administration.js';
import { IDEMPOTENCY_KEY, readIdempotencyKey } from './idempotency-key.js';

const api = () => import('./drain.api.js');

/** Moves everything off a data server, named by its address or incarnation, before it is stopped. */
@Controller('v1/members/:server/drain')
export class DrainController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  /** How far it is. */
  @Get()
  @Described(api, 'readServerDrain')
  @Header('cache-control', 'no-store')
  async read(@Param('server') server: string, @Query() query: unknown): Promise<object> {
    return this.state.read(readQuery({ of: 'drain', server }), readConsistency(query));
  }

  /** Answered once it is committed; what is left to move then is in the answer. */
  @Post()
  @Described(api, 'drainServer')
  @HttpCode(200)
  async drain(
    @Param('server') server: string,
    @Body() body: unknown,
    @Headers(IDEMPOTENCY_KEY) key: string | undefined,
    @RequestId() requestId: string,
  ): Promise<object> {
    const leaving = readDrainBody(body).fewerReplicas ? 1 : this.state.replicas;
    return this.change({ type: 'drain', server, leaving }, key, requestId);
  }

  /** The server takes slots again. Also a success where it was not drained. */
  @Delete()
  @Described(api, 'undrainServer')
  async undo(
    @Param('server') server: string,
    @Headers(IDEMPOTENCY_KEY) key: string | undefined,
    @RequestId() requestId: string,
  ): Promise<object> {
    return this.change({ type: 'undrain', server }, key, requestId);
  }

  private async change(
    change: Extract<StateChange, { server: string }>,
    key: string | undefined,
    requestId: string,
  ): Promise<object> {
    const { server } = change;
    const { changed } = await this.state.change(
      readChange(change, { canonicalAddress }),
      readIdempotencyKey(key),
      requestId,
    );
    return { changed, ...(await this.progress(server)) };
  }

  private async progress(server: string): Promise<object> {
    return this.state.read({ of: 'drain', server }, 'linearizable');
  }
}
