import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { readList } from '#registry';
import { StateAdministration } from '../state/administration.js';

/** The data and session servers of the cluster, and those that left it lately. */
@Controller('v1/members')
export class MembersController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  @Get()
  @Header('cache-control', 'no-store')
  async read(@Query() query: Record<string, unknown>): Promise<object> {
    return this.state.read(...readList('members', query));
  }
}
