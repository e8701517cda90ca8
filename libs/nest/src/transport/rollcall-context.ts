import { type PacketMetadata, TcpContext } from '@nestjs/microservices';
import type { RequestId, RequestPacket } from '#wire';
import type { Connection } from './connection.js';

/** What a handler gets with `@Ctx()`: Nest's TCP context, and the connection that the message came over. */
export class RollcallContext extends TcpContext {
  constructor(
    readonly connection: Connection,
    pattern: string,
    private readonly packet: RequestPacket,
  ) {
    super([connection.socket, pattern, packet.metadata as PacketMetadata]);
  }

  /** Undefined for an event, which wants no answer. */
  get requestId(): RequestId | undefined {
    return this.packet.id;
  }
}
