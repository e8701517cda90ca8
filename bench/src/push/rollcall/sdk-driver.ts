import { type Publisher, RegistryClient } from '#client';
import type { Driver, Registration } from '../driver.js';
import { Servers } from './servers.js';

const CONNECTING_AT_ONCE = 50;
const PUBLISHING_AT_ONCE = 2_000;
const PUBLISHING_CLIENTS = 20;

/** Rollcall used through its SDK. All of its clients share one core here, which those of users do not. */
export class SdkDriver implements Driver {
  readonly name = 'rollcall through its SDK';
  private readonly servers = new Servers();
  private readonly clients: RegistryClient[] = [];
  private readonly publishers: Publisher[] = [];

  async start(): Promise<void> {
    await this.servers.start();
  }

  async register(publishers: readonly Registration[]): Promise<void> {
    const count = Math.min(publishers.length, PUBLISHING_CLIENTS);
    const clients = Array.from({ length: count }, () => this.client());
    for (let start = 0; start < publishers.length; start += PUBLISHING_AT_ONCE)
      await Promise.all(
        publishers.slice(start, start + PUBLISHING_AT_ONCE).map(async ({ topic, value }, i) => {
          const client = clients[(start + i) % count]!;
          this.publishers[start + i] = await client.publish({ dataId: topic, data: [value] });
        }),
      );
  }

  async subscribe(topics: readonly string[], onValue: (subscriber: number, value: string) => void): Promise<void> {
    for (let start = 0; start < topics.length; start += CONNECTING_AT_ONCE)
      await Promise.all(
        topics.slice(start, start + CONNECTING_AT_ONCE).map((topic, i) => {
          const subscription = this.client().subscribe({ dataId: topic }, ({ publishers }) => {
            for (const { data } of publishers) onValue(start + i, data[0]!);
          });
          return subscription.ready();
        }),
      );
  }

  async publish(publisher: number, value: string): Promise<void> {
    await this.publishers[publisher]!.republish([value]);
  }

  pushingCpuMs(): number {
    return this.servers.sessionCpuMs;
  }

  async stop(): Promise<void> {
    await Promise.all(this.clients.splice(0).map((client) => client.close({ drain: false })));
    await this.servers.stop();
  }

  private client(): RegistryClient {
    const client = new RegistryClient({ seeds: [`127.0.0.1:${this.servers.sessionPort}`] });
    this.clients.push(client);
    return client;
  }
}
