import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { readConsistency } from '#registry';
import { StateAdministration } from '../state/administration.js';

/** Who leads and who follows in each slot, and where they are reached. */
@Controller('v1/slots')
export class SlotsController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  @Get()
  @Header('cache-control', 'no-store')
  async read(@Query() query: unknown): Promise<object> {
    return this.state.read({ of: 'slots' }, readConsistency(query));
  }
}
