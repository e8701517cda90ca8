import { Controller, Inject } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { RollcallContext } from '#nest';
import { RpcClients } from './rpc-clients.js';

/** The patterns of the client protocol; see ClientRequests in the model for payloads and answers. */
@Controller()
export class RegistryController {
  constructor(@Inject(RpcClients) private readonly clients: RpcClients) {}

  @MessagePattern('registry.hello')
  hello(@Payload() payload: unknown, @Ctx() context: RollcallContext): void {
    this.clients.of(context.connection).hello(payload, context);
  }

  @MessagePattern('registry.subscribe')
  subscribe(@Payload() payload: unknown, @Ctx() context: RollcallContext): void {
    this.clients.of(context.connection).stream('registry.subscribe', payload, context);
  }

  @MessagePattern('registry.watch')
  watch(@Payload() payload: unknown, @Ctx() context: RollcallContext): void {
    this.clients.of(context.connection).stream('registry.watch', payload, context);
  }

  @MessagePattern('registry.apply')
  apply(@Payload() payload: unknown, @Ctx() { connection }: RollcallContext): Promise<object> {
    return this.clients.of(connection).request('registry.apply', payload);
  }

  @MessagePattern('registry.publish')
  publish(@Payload() payload: unknown, @Ctx() { connection }: RollcallContext): Promise<object> {
    return this.clients.of(connection).single('registry.publish', payload);
  }

  @MessagePattern('registry.unpublish')
  unpublish(@Payload() payload: unknown, @Ctx() { connection }: RollcallContext): Promise<object> {
    return this.clients.of(connection).single('registry.unpublish', payload);
  }

  @MessagePattern('registry.query')
  query(@Payload() payload: unknown, @Ctx() { connection }: RollcallContext): Promise<object> {
    return this.clients.of(connection).request('registry.query', payload);
  }

  @MessagePattern('registry.unsubscribe')
  unsubscribe(@Payload() payload: unknown, @Ctx() { connection }: RollcallContext): Promise<object> {
    return this.clients.of(connection).request('registry.unsubscribe', payload);
  }

  @MessagePattern('registry.heartbeat')
  heartbeat(@Payload() payload: unknown, @Ctx() { connection }: RollcallContext): Promise<object> {
    return this.clients.of(connection).request('registry.heartbeat', payload);
  }

  @MessagePattern('registry.goodbye')
  goodbye(@Payload() payload: unknown, @Ctx() { connection }: RollcallContext): Promise<object> {
    return this.clients.of(connection).request('registry.goodbye', payload);
  }

  @MessagePattern('registry.ack')
  ack(@Payload() payload: unknown, @Ctx() { connection }: RollcallContext): Promise<object> {
    return this.clients.of(connection).request('registry.ack', payload);
  }
}
