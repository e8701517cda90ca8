import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { Described } from '#nest';
import { readConsistency } from '#registry';
import { StateAdministration } from '../state/administration.js';

const api = () => import('./members.api.js');

/** The meta server that leads: asked for linearizably, it has just proved so. */
@Controller('v1/leader')
export class LeaderController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  @Get()
  @Described(api, 'readLeader')
  @Header('cache-control', 'no-store')
  async read(@Query() query: unknown): Promise<object> {
    return this.state.read({ of: 'leader' }, readConsistency(query));
  }
}
