import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { RAFT_PATTERN, RaftAdministration, type RaftAnswer } from '../raft/administration.js';

/** What one meta server asks of another on behalf of an operator. */
@Controller()
export class RaftRpcController {
  constructor(@Inject(RaftAdministration) private readonly administration: RaftAdministration) {}

  @MessagePattern(RAFT_PATTERN)
  request(@Payload() payload: unknown): Promise<RaftAnswer> {
    return this.administration.forwarded(payload);
  }
}
