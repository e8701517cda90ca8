import { Controller, type INestMicroservice } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { concat, NEVER, Observable, of } from 'rxjs';
import { RegistryError } from '#model';
import { RpcConnection } from '#client';
import { FRAME_HEAD_BYTES, type FramedSocketLimits, SharedBody } from '#wire';
import type { Connection } from './connection.js';
import type { RollcallContext } from './rollcall-context.js';
import type { RollcallServer } from './rollcall-server.js';
import { startServer } from './transport.harness.js';

/** What the handlers below have seen and hold. */
export const seen = { liveStreams: 0, events: [] as unknown[], release: (): void => undefined };

const shared = SharedBody.of({ list: ['a', 'b'], large: 'x'.repeat(10_000) });

@Controller()
export class TestController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern({ cmd: 'sum' })
  sum(@Payload() data: number[]): number {
    return data.reduce((a, b) => a + b, 0);
  }

  @EventPattern('note')
  note(@Payload() data: unknown): void {
    seen.events.push(data);
  }

  @MessagePattern('whoami')
  whoami(@Ctx() context: RollcallContext): unknown {
    return { id: context.connection.id, remoteAddress: context.connection.remoteAddress };
  }

  @MessagePattern('count')
  count(@Payload() upTo: number): Observable<number> {
    return of(...Array.from({ length: upTo }, (_, i) => i));
  }

  @MessagePattern('subscribe')
  subscribe(): Observable<unknown> {
    return counted(concat(of('first'), NEVER));
  }

  @MessagePattern('subscribe.late')
  async subscribeLate(): Promise<Observable<unknown>> {
    await new Promise<void>((resolve) => {
      seen.release = resolve;
    });
    return counted(concat(of('first'), NEVER));
  }

  @MessagePattern('shared')
  shared(): Observable<unknown> {
    return of(shared, shared);
  }

  @MessagePattern('pushed')
  pushed(@Ctx() context: RollcallContext): Observable<unknown> {
    return new Observable(() => {
      context.connection.respondShared(context.requestId!, shared);
    });
  }

  @MessagePattern('kept')
  kept(@Payload() what: string, @Ctx() context: RollcallContext): void {
    if (what === 'refused before') throw new RegistryError('BAD_REQUEST');
    const answer = context.keep();
    seen.events.push(answer);
    if (what === 'refused after') throw new RegistryError('NO_LEADER');
  }

  @MessagePattern('flood')
  flood(@Payload() bytes: number): string {
    return 'x'.repeat(bytes);
  }

  @MessagePattern('no-leader')
  noLeader(): never {
    throw new RegistryError('NO_LEADER', undefined, { retryAfterMs: 50, details: { slot: 3 } });
  }

  @MessagePattern('defect')
  defect(): never {
    throw new Error('a secret');
  }

  @MessagePattern('unencodable')
  unencodable(): unknown {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    return cycle;
  }
}

function counted(source: Observable<unknown>): Observable<unknown> {
  return new Observable((subscriber) => {
    seen.liveStreams++;
    subscriber.add(() => seen.liveStreams--);
    source.subscribe(subscriber);
  });
}

export const LIMITS = { maxFrameBytes: 1_000_000, maxBufferedBytes: 4_000_000, lingerMs: 1_000 };

export const frameOf = (body: Uint8Array, announcedBytes = body.length): Buffer => {
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + body.length);
  frame.writeUInt32BE(announcedBytes);
  frame.set(body, FRAME_HEAD_BYTES);
  return frame;
};

/** A server with {@link TestController}, and the connections of a test. */
export class TestServer {
  app!: INestMicroservice;
  server!: RollcallServer;
  port = 0;
  /** The server's ends, in the order they were accepted. */
  readonly connections: Connection[] = [];
  private readonly open: RpcConnection[] = [];

  async start(limits: Partial<FramedSocketLimits> = {}): Promise<void> {
    this.connections.length = 0;
    seen.events.length = 0;
    const started = await startServer([TestController], {
      limits: { ...LIMITS, ...limits },
      maxInFlight: 600,
      drainMs: 200,
      onConnection: (connection) => this.connections.push(connection),
    });
    Object.assign(this, started);
  }

  async stop(): Promise<void> {
    for (const connection of this.open.splice(0)) connection.close();
    await this.app.close();
  }

  async connect(): Promise<RpcConnection> {
    const connection = await RpcConnection.connect({ host: '127.0.0.1', port: this.port });
    this.open.push(connection);
    return connection;
  }
}
