import type { ChildProcess } from 'node:child_process';
import { cpuMsOf, freePort, isListening, startProcess, stopProcess } from '../../processes.js';
import type { Driver, Registration } from '../driver.js';
import { WireClient } from '../frames.js';

/** Bare sockets through two relays: see relay.main.ts. */
export class FloorDriver implements Driver {
  readonly name = 'floor';
  private readonly processes: ChildProcess[] = [];
  private readonly clients: WireClient[] = [];
  private publishers: readonly Registration[] = [];
  private publisher: WireClient | undefined;
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

  /** Nobody keeps anything here. */
  async register(publishers: readonly Registration[]): Promise<void> {
    this.publishers = publishers;
  }

  async subscribe(topics: readonly string[], onValue: (subscriber: number, value: string) => void): Promise<void> {
    for (const [subscriber, topic] of topics.entries()) {
      const client = await this.open();
      await new Promise<void>((resolve) => {
        client.onMessage = (message) => {
          const { value } = message as { value?: string };
          if (value === undefined) resolve();
          else onValue(subscriber, value);
        };
        client.send({ subscribe: topic });
      });
    }
  }

  async publish(publisher: number, value: string): Promise<void> {
    this.publisher!.send({ topic: this.publishers[publisher]!.topic, value });
  }

  pushingCpuMs(): number {
    return cpuMsOf(this.processes[1]!.pid!);
  }

  async stop(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    await Promise.all(this.processes.splice(0).map(stopProcess));
  }

  private async open(): Promise<WireClient> {
    const client = await WireClient.open(this.port);
    this.clients.push(client);
    return client;
  }
}
