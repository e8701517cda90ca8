import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Backups, READ_INDEX_PATTERN } from '../raft/backup.js';
import { RAFT_PATTERN, RaftAdministration, type RaftAnswer } from '../raft/administration.js';

/** What one meta server asks of another on behalf of an operator. */
@Controller()
export class RaftRpcController {
  constructor(
    @Inject(RaftAdministration) private readonly administration: RaftAdministration,
    @Inject(Backups) private readonly backups: Backups,
  ) {}

  @MessagePattern(RAFT_PATTERN)
  request(@Payload() payload: unknown): Promise<RaftAnswer> {
    return this.administration.forwarded(payload);
  }

  @MessagePattern(READ_INDEX_PATTERN)
  readIndex(): Promise<{ index: number }> {
    return this.backups.readIndexHere();
  }
}
