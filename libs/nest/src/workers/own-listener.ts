import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { LISTEN_BACKLOG } from '../transport/listen-backlog.js';

export interface OwnListenerOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Above it newcomers are closed without a word. */
  maxConnections?: number;
}

/** A port that one worker has for itself, beside those that it shares with its siblings. */
export class OwnListener {
  private constructor(private readonly server: Server) {}

  /** Rejects with what listening throws. */
  static listen(options: OwnListenerOptions, take: (socket: Socket) => void): Promise<OwnListener> {
    const { host, port, maxConnections } = options;
    const server = createServer(take);
    if (maxConnections !== undefined) server.maxConnections = maxConnections;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      // Not `exclusive`, a worker's port would be taken by the process that started it, and be shared.
      server.listen({ host, port, exclusive: true, backlog: LISTEN_BACKLOG }, () => {
        server.off('error', reject);
        resolve(new OwnListener(server));
      });
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Takes no more connections; those that are open are for whoever took them. */
  close(): void {
    this.server.close();
  }
}
