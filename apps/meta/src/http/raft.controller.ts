import { Controller, Get, Header, Inject } from '@nestjs/common';
import { MetaHost } from '../meta.host.js';

/** The Raft group of the meta servers, for people and scripts. */
@Controller('v1/raft')
export class RaftController {
  constructor(@Inject(MetaHost) private readonly host: MetaHost) {}

  /** What this one node knows; on a node that does not lead it may be old. */
  @Get('status')
  @Header('cache-control', 'no-store')
  status(): object {
    const { failure, ...status } = this.host.raftStatus;
    return { ...status, leader: status.leader ?? null, ...(failure && { failure: failure.toFailure() }) };
  }
}
