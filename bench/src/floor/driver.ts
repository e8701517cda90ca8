import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { pack } from 'msgpackr';
import type { Driver } from '../driver.js';
import { freePort, isListening, startProcess, stopProcess } from '../processes.js';
import { FrameReader, frame } from './frames.js';

/** Bare sockets through two relays: see relay.main.ts. */
export class FloorDriver implements Driver {
  readonly name = 'floor';
  private readonly processes: ChildProcess[] = [];
  private readonly sockets: Socket[] = [];
  private publisher: Socket | undefined;
  private port = 0;

  async start(): Promise<void> {
    const backPort = await freePort();
    this.port = await freePort();
    const relay = new URL('./relay.main.js', import.meta.url);
    this.processes.push(
      await startProcess(relay, { PORT: String(backPort), BACK_PORT: '0' }, () => isListening(backPort)),
    );
    const front = { PORT: String(this.port), BACK_PORT: String(backPort) };
    this.processes.push(await startProcess(relay, front, () => isListening(this.port)));
    this.publisher = await this.open();
  }

  async subscribe(count: number, onValue: (subscriber: number, value: string) => void): Promise<void> {
    for (let subscriber = 0; subscriber < count; subscriber++) {
      const socket = await this.open();
      await new Promise<void>((resolve) => {
        const reader = new FrameReader((message) => {
          const { value, subscribed } = message as { value?: string; subscribed?: boolean };
          if (subscribed) resolve();
          else if (value !== undefined) onValue(subscriber, value);
        });
        socket.on('data', (chunk) => reader.push(chunk));
        socket.write(frame(pack({ subscribe: true })));
      });
    }
  }

  async publish(value: string): Promise<void> {
    this.publisher!.write(frame(pack({ value })));
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets.splice(0)) socket.destroy();
    await Promise.all(this.processes.splice(0).map(stopProcess));
  }

  private async open(): Promise<Socket> {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    socket.on('error', () => socket.destroy());
    this.sockets.push(socket);
    return socket;
  }
}
