import { type RedisClientType, createClient } from 'redis';
import { type Members, type Reach, addressesOf } from '../system.js';
import { EXPIRY_SECONDS, keyOf, valuesOf } from './clients.js';

interface Member {
  readonly client: RedisClientType;
  readonly topic: string;
  readonly name: string;
}

/** A connection each. The library subscribes again by itself; what was told meanwhile is lost, so a member reads all again. */
export class RedisMembers implements Members {
  private readonly members: Member[] = [];

  constructor(private readonly reach: Reach) {}

  async join(member: number, topic: string, value: string, onValue: (value: string) => void): Promise<void> {
    const [address] = addressesOf(this.reach, member);
    const client: RedisClientType = createClient({ url: `redis://${address}` });
    // It reconnects by itself, and ends the process where nobody listens to why it has to.
    client.on('error', () => {});
    const joined = { client, topic, name: `m${member}` };
    this.members[member] = joined;
    const read = async (): Promise<void> => {
      for (const each of await valuesOf(client, topic)) onValue(each);
    };
    await client.connect();
    await client.sAdd(`topic:${topic}`, joined.name);
    await this.publish(member, value);
    await client.subscribe(topic, onValue);
    await read();
    client.on('ready', () => void read().catch(() => {}));
  }

  async publish(member: number, value: string): Promise<void> {
    const { client, topic, name } = this.members[member]!;
    const kept = client.set(keyOf(topic, name), value, { expiration: { type: 'EX', value: EXPIRY_SECONDS } });
    await Promise.all([kept, client.publish(topic, value)]);
  }

  /** By renewing its key, as it would now and then. */
  async confirm(member: number): Promise<void> {
    const { client, topic, name } = this.members[member]!;
    if ((await client.expire(keyOf(topic, name), EXPIRY_SECONDS)) !== 1) throw new Error(`${name} is not there.`);
  }

  async close(): Promise<void> {
    for (const { client } of this.members.splice(0)) client.destroy();
  }
}
