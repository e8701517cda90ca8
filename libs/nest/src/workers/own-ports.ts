import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { RollcallServer } from '../transport/rollcall-server.js';
import { OwnListener } from './own-listener.js';
import type { Siblings } from './siblings.js';

/** One of several servers that share the ports of the settings. */
export interface Worker {
  /** From 1 on. */
  number: number;
  siblings: Siblings;
  /** Those that it has for itself, by which it is a member. */
  rpcPort: number;
  httpPort: number;
}

/** In each answer over HTTP the number of the worker that gave it. */
const WORKER_HEADER = 'rollcall-worker';

/** The ports that a worker has for itself: what comes there is served as what comes over the shared ones. */
export class OwnPorts {
  private constructor(
    private readonly rpc: OwnListener,
    private readonly http: OwnListener,
  ) {}

  static async listen(
    host: string,
    { siblings, rpcPort, httpPort }: Worker,
    server: RollcallServer,
    app: NestFastifyApplication,
  ): Promise<OwnPorts> {
    const { maxSockets: maxConnections } = server;
    const rpc = await OwnListener.listen({ host, port: rpcPort, maxConnections }, (socket) =>
      server.bindHandler(socket),
    );
    try {
      const http = await OwnListener.listen({ host, port: httpPort }, (socket) => {
        siblings.meansOne(socket);
        app.getHttpServer().emit('connection', socket);
      });
      return new OwnPorts(rpc, http);
    } catch (error) {
      rpc.close();
      throw error;
    }
  }

  get rpcPort(): number {
    return this.rpc.port;
  }

  get httpPort(): number {
    return this.http.port;
  }

  close(): void {
    this.rpc.close();
    this.http.close();
  }
}

/** Has every answer over HTTP say which worker it is from. */
export function nameWorker(app: NestFastifyApplication, { number }: Worker): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', (_request, reply, done) => {
      void reply.header(WORKER_HEADER, number);
      done();
    });
}
