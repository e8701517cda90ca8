import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const CHANNEL = 'net.client.socket';

/** The TCP connections that this process opens while they are followed, whatever library does. */
export class OwnSockets {
  private readonly open = new Set<Socket>();

  constructor() {
    subscribe(CHANNEL, this.follow);
  }

  get count(): number {
    return this.open.size;
  }

  /** Ends them all at once, as one who resets them would, and answers how many there were. */
  cut(): number {
    const all = [...this.open];
    this.open.clear();
    for (const socket of all) socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    return all.length;
  }

  stop(): void {
    unsubscribe(CHANNEL, this.follow);
  }

  private readonly follow = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    this.open.add(socket);
    socket.once('close', () => this.open.delete(socket));
  };
}
