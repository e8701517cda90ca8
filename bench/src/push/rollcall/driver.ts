import type { Driver, Registration } from '../driver.js';
import { ProtocolClient } from './protocol-client.js';
import { Servers } from './servers.js';

const CONNECTING_AT_ONCE = 50;
const PUBLISHING_CONNECTIONS = 20;
const OPERATIONS = 500;
const NONCE = 1;

/** Rollcall's servers behind clients that do what the protocol demands and no more; see ProtocolClient. */
export class RollcallDriver implements Driver {
  readonly name = 'rollcall';
  private readonly servers = new Servers();
  private readonly clients: ProtocolClient[] = [];
  private publishing: ProtocolClient[] = [];
  private publishers: readonly Registration[] = [];
  private readonly versions: number[] = [];

  async start(): Promise<void> {
    await this.servers.start();
  }

  async register(publishers: readonly Registration[]): Promise<void> {
    this.publishers = publishers;
    const connections = Math.min(publishers.length, PUBLISHING_CONNECTIONS);
    this.publishing = await Promise.all(Array.from({ length: connections }, () => this.open()));
    await Promise.all(
      this.publishing.map(async (client, connection) => {
        for (let from = connection; from < publishers.length; from += connections * OPERATIONS) {
          const operations: object[] = [];
          for (let i = from; i < publishers.length && operations.length < OPERATIONS; i += connections)
            operations.push(this.operation(i, publishers[i]!.value));
          check(await client.call('registry.apply', { operations }));
        }
      }),
    );
  }

  async subscribe(topics: readonly string[], onValue: (subscriber: number, value: string) => void): Promise<void> {
    for (let start = 0; start < topics.length; start += CONNECTING_AT_ONCE)
      await Promise.all(
        topics.slice(start, start + CONNECTING_AT_ONCE).map(async (topic, i) => {
          const client = await this.open();
          await client.subscribe(topic, (push) => {
            if ('publishers' in push) for (const { data } of push.publishers) onValue(start + i, data[0]!);
          });
        }),
      );
  }

  async publish(publisher: number, value: string): Promise<void> {
    const client = this.publishing[publisher % this.publishing.length]!;
    check(await client.call('registry.apply', { operations: [this.operation(publisher, value)] }));
  }

  pushingCpuMs(): number {
    return this.servers.sessionCpuMs;
  }

  async stop(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    await this.servers.stop();
  }

  private operation(publisher: number, value: string): object {
    const version = (this.versions[publisher] = (this.versions[publisher] ?? 0) + 1);
    const { topic } = this.publishers[publisher]!;
    return { op: 'publish', dataId: topic, registerId: `p${publisher}`, data: [value], stamp: [1, version, NONCE] };
  }

  private async open(): Promise<ProtocolClient> {
    const client = await ProtocolClient.open(this.servers.sessionPort);
    this.clients.push(client);
    return client;
  }
}

function check(answer: unknown): void {
  const { results } = answer as { results: { status: string }[] };
  const failed = results.find(({ status }) => status === 'failed');
  if (failed) throw new Error(`A publish failed: ${JSON.stringify(failed)}`);
}
