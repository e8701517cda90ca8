import { WireClient } from '../frames.js';
import { pick } from '../spread.js';
import type { Clients } from '../system.js';

/** Bare sockets through two relays: see relay.main.ts. */
export class FloorClients implements Clients {
  private readonly clients: WireClient[] = [];
  private publishing: WireClient[] = [];
  private readonly topics: string[] = [];

  constructor(private readonly addresses: readonly string[]) {}

  async open(connections: number): Promise<void> {
    this.publishing = await Promise.all(Array.from({ length: connections }, () => this.connect()));
  }

  /** Nobody keeps anything here. */
  async register(publisher: number, topic: string): Promise<void> {
    this.topics[publisher] = topic;
  }

  async publish(publisher: number, value: string): Promise<void> {
    pick(this.publishing, publisher).send({ topic: this.topics[publisher], value });
  }

  async subscribe(topic: string, onValue: (value: string) => void): Promise<void> {
    const client = await this.connect();
    await new Promise<void>((resolve) => {
      client.onMessage = (message) => {
        const { value } = message as { value?: string };
        if (value === undefined) resolve();
        else onValue(value);
      };
      client.send({ subscribe: topic });
    });
  }

  async close(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
  }

  private async connect(): Promise<WireClient> {
    const client = await WireClient.open(Number(this.addresses[0]!.split(':')[1]));
    this.clients.push(client);
    return client;
  }
}
