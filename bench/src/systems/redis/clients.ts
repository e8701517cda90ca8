import { type RedisClientType, createClient } from 'redis';
import { pick } from '../spread.js';
import type { Clients } from '../system.js';

/** Longer than any measurement: a registry would renew keys, in one command for many. */
export const EXPIRY_SECONDS = 3_600;

export class RedisClients implements Clients {
  private readonly clients: RedisClientType[] = [];
  private publishing: RedisClientType[] = [];
  private readonly topics: string[] = [];

  constructor(private readonly addresses: readonly string[]) {}

  async open(connections: number): Promise<void> {
    this.publishing = await Promise.all(Array.from({ length: connections }, () => this.connect()));
  }

  /** Commands of the same tick are sent together. */
  async register(publisher: number, topic: string, value: string): Promise<void> {
    this.topics[publisher] = topic;
    const listed = pick(this.publishing, publisher).sAdd(`topic:${topic}`, String(publisher));
    await Promise.all([listed, this.publish(publisher, value)]);
  }

  async publish(publisher: number, value: string): Promise<void> {
    const client = pick(this.publishing, publisher);
    const topic = this.topics[publisher]!;
    const kept = client.set(keyOf(topic, String(publisher)), value, {
      expiration: { type: 'EX', value: EXPIRY_SECONDS },
    });
    await Promise.all([kept, client.publish(topic, value)]);
  }

  /** First the messages and then what is there, so that nothing is missed between. */
  async subscribe(topic: string, onValue: (value: string) => void): Promise<void> {
    const client = await this.connect();
    await client.subscribe(topic, onValue);
    for (const value of await valuesOf(pick(this.publishing, 0), topic)) onValue(value);
  }

  async close(): Promise<void> {
    for (const client of this.clients.splice(0)) client.destroy();
  }

  private async connect(): Promise<RedisClientType> {
    const client: RedisClientType = createClient({ url: `redis://${this.addresses[0]!}` });
    // Who stops the servers ends connections too.
    client.on('error', () => {});
    await client.connect();
    this.clients.push(client);
    return client;
  }
}

export function keyOf(topic: string, publisher: string): string {
  return `publisher:${topic}:${publisher}`;
}

/** Of all publishers of a topic. */
export async function valuesOf(reader: RedisClientType, topic: string): Promise<string[]> {
  const publishers = await reader.sMembers(`topic:${topic}`);
  if (publishers.length === 0) return [];
  const values = await reader.mGet(publishers.map((publisher) => keyOf(topic, publisher)));
  return values.filter((value) => value !== null);
}
