import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { STATE_PATTERN, StateAdministration } from '../state/administration.js';

/** What one meta server asks of another, which leads, on behalf of an operator. */
@Controller()
export class StateRpcController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  @MessagePattern(STATE_PATTERN)
  request(@Payload() payload: unknown): Promise<object> {
    return this.state.forwarded(payload);
  }
}
