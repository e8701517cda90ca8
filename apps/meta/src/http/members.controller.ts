import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { Described } from '#nest';
import { readList } from '#registry';
import { StateAdministration } from '../state/administration.js';

const api = () => import('./members.api.js');

/** The data and session servers of the cluster, and those that left it lately. */
@Controller('v1/members')
export class MembersController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  @Get()
  @Described(api, 'readMembers')
  @Header('cache-control', 'no-store')
  async read(@Query() query: Record<string, unknown>): Promise<object> {
    return this.state.read(...readList('members', query));
  }
}
