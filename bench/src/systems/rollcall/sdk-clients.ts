import { type Publisher, RegistryClient } from '#client';
import { pick } from '../spread.js';
import type { Clients } from '../system.js';

/** Rollcall used through its SDK. All of its clients share one core here, which those of users do not. */
export class SdkClients implements Clients {
  private readonly clients: RegistryClient[] = [];
  private publishing: RegistryClient[] = [];
  private readonly publishers: Publisher[] = [];

  constructor(private readonly addresses: readonly string[]) {}

  async open(connections: number): Promise<void> {
    this.publishing = Array.from({ length: connections }, () => this.connect());
  }

  async register(publisher: number, topic: string, value: string): Promise<void> {
    const client = pick(this.publishing, publisher);
    this.publishers[publisher] = await client.publish({ dataId: topic, data: [value] });
  }

  async publish(publisher: number, value: string): Promise<void> {
    await this.publishers[publisher]!.republish([value]);
  }

  async subscribe(topic: string, onValue: (value: string) => void): Promise<void> {
    const subscription = this.connect().subscribe({ dataId: topic });
    subscription.on('changes', ({ added, updated }) => {
      for (const { data } of added) onValue(data[0]!);
      for (const { data } of updated) onValue(data[0]!);
    });
    await subscription.ready();
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.splice(0).map((client) => client.close({ drain: false })));
  }

  private connect(): RegistryClient {
    const client = new RegistryClient({ seeds: [pick(this.addresses, this.clients.length)] });
    this.clients.push(client);
    return client;
  }
}
