import { type PacketMetadata, TcpContext } from '@nestjs/microservices';
import type { RequestId, RequestPacket } from '#wire';
import { RegistryError } from '#model';
import type { Answer } from './answer.js';
import type { Connection } from './connection.js';

/** What a handler gets with `@Ctx()`: Nest's TCP context, and the connection that the message came over. */
export class RollcallContext extends TcpContext {
  constructor(
    readonly connection: Connection,
    pattern: string,
    private readonly packet: RequestPacket,
    private readonly answer: Answer | undefined,
  ) {
    super([connection.socket, pattern, packet.metadata as PacketMetadata]);
  }

  /** Undefined for an event, which wants no answer. */
  get requestId(): RequestId | undefined {
    return this.packet.id;
  }

  /**
   * Takes the answering of the request from Nest: it stays open, at a fraction of what it costs there, until the handler says
   * that it has ended, or the connection closes, of which `connection` tells. @throws RegistryError BAD_REQUEST for an event
   */
  keep(): Answer {
    if (!this.answer) throw new RegistryError('BAD_REQUEST', 'A stream has many answers, hence an id.');
    this.answer.keep();
    return this.answer;
  }
}
