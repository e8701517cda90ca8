import { setTimeout } from 'node:timers/promises';
import { type KV, Kvm } from '@nats-io/kv';
import { type NatsConnection, connect } from '@nats-io/transport-node';
import { pick } from '../spread.js';
import type { Clients } from '../system.js';

export const BUCKET = 'bench';
/** Longer than any measurement, so that nothing expires which nobody renews. */
const TTL_MS = 3_600_000;
const TRIES = 40;
const RETRY_MS = 250;

/** Makes the bucket, which servers refuse until they have elected who places it. */
export async function prepare(addresses: readonly string[]): Promise<void> {
  const connection = await connect({ servers: addresses[0]! });
  try {
    for (let tries = 1; ; tries++)
      try {
        await new Kvm(connection).create(BUCKET, { replicas: addresses.length, history: 1, ttl: TTL_MS });
        return;
      } catch (error) {
        if (tries === TRIES) throw error;
        await setTimeout(RETRY_MS);
      }
  } finally {
    await connection.close();
  }
}

export class NatsClients implements Clients {
  private readonly connections: NatsConnection[] = [];
  private opened = 0;
  private buckets: KV[] = [];
  private readonly keys: string[] = [];

  constructor(private readonly addresses: readonly string[]) {}

  async open(connections: number): Promise<void> {
    this.buckets = await Promise.all(Array.from({ length: connections }, () => this.connect()));
  }

  async register(publisher: number, topic: string, value: string): Promise<void> {
    this.keys[publisher] = `${topic}.${publisher}`;
    await this.publish(publisher, value);
  }

  async publish(publisher: number, value: string): Promise<void> {
    await pick(this.buckets, publisher).put(this.keys[publisher]!, value);
  }

  async subscribe(topic: string, onValue: (value: string) => void): Promise<void> {
    await follow(await this.connect(), topic, onValue);
  }

  async close(): Promise<void> {
    await Promise.all(this.connections.splice(0).map((connection) => connection.close()));
  }

  private async connect(): Promise<KV> {
    const connection = await connect({ servers: pick(this.addresses, this.opened++), ignoreClusterUpdates: true });
    this.connections.push(connection);
    return new Kvm(connection).open(BUCKET);
  }
}

/** What is there, and then what changes; the library begins its consumer anew where it has missed something. */
export async function follow(bucket: KV, topic: string, onValue: (value: string) => void): Promise<void> {
  const entries = await bucket.watch({ key: `${topic}.>` });
  void (async () => {
    for await (const entry of entries) if (entry.operation === 'PUT') onValue(entry.string());
  })();
}
