import { Body, Controller, Inject, Put } from '@nestjs/common';
import { RegistryError } from '#model';
import { Access, Described } from '#nest';
import { type Parsed, parseRenewals } from '#registry';
import { accepted } from '../edge.js';
import { HttpCaller } from './http-caller.js';

const api = () => import('./publishers.api.js');

/** Renewing many leases at a time. Each is answered by itself, in order, as the operations of a `registry.apply` are. */
@Access('open')
@Controller('v1/leases')
export class LeasesController {
  constructor(@Inject(HttpCaller) private readonly caller: HttpCaller) {}

  @Put()
  @Described(api, 'renewLeases')
  async renew(@Body() body: unknown): Promise<object> {
    const parsed = parseRenewals(body);
    if (!parsed.ok) throw RegistryError.from(parsed.failure);
    return { results: await Promise.all(parsed.renewals.map((renewal) => this.result(renewal))) };
  }

  private async result({ registerId, parsed }: { registerId: string; parsed: Parsed }): Promise<object> {
    try {
      const reply = await this.caller.request(accepted(parsed).request);
      if (reply.kind !== 'renewed') throw new RegistryError('INTERNAL');
      return { status: 'renewed', registerId, expiresInMs: reply.expiresInMs };
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      return { status: 'failed', registerId, failure: error.toFailure() };
    }
  }
}
