import { pick } from '../spread.js';
import type { Clients } from '../system.js';
import { ProtocolClient } from './protocol-client.js';

const NONCE = 1;

interface Registered {
  topic: string;
  version: number;
}

/** Rollcall behind clients that do what the protocol demands and no more; see ProtocolClient. */
export class RollcallClients implements Clients {
  private readonly clients: ProtocolClient[] = [];
  private publishing: ProtocolClient[] = [];
  private readonly registered: Registered[] = [];
  private connections = 0;

  constructor(private readonly addresses: readonly string[]) {}

  async open(connections: number): Promise<void> {
    this.publishing = await Promise.all(Array.from({ length: connections }, () => this.connect()));
  }

  async register(publisher: number, topic: string, value: string): Promise<void> {
    this.registered[publisher] = { topic, version: 0 };
    await this.publish(publisher, value);
  }

  async publish(publisher: number, value: string): Promise<void> {
    const registered = this.registered[publisher]!;
    const operation = {
      ...{ op: 'publish', dataId: registered.topic, registerId: `p${publisher}` },
      ...{ data: [value], stamp: [1, ++registered.version, NONCE] },
    };
    check(await pick(this.publishing, publisher).call('registry.apply', { operations: [operation] }));
  }

  async subscribe(topic: string, onValue: (value: string) => void): Promise<void> {
    const client = await this.connect();
    await client.subscribe(topic, (push) => {
      if ('publishers' in push) for (const { data } of push.publishers) onValue(data[0]!);
    });
  }

  async close(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
  }

  private async connect(): Promise<ProtocolClient> {
    const port = Number(pick(this.addresses, this.connections++).split(':')[1]);
    const client = await ProtocolClient.open(port);
    this.clients.push(client);
    return client;
  }
}

function check(answer: unknown): void {
  const { results } = answer as { results: { status: string }[] };
  const failed = results.find(({ status }) => status === 'failed');
  if (failed) throw new Error(`A publish failed: ${JSON.stringify(failed)}`);
}
