import { type KV, Kvm } from '@nats-io/kv';
import { type NatsConnection, connect } from '@nats-io/transport-node';
import { type Members, type Reach, addressesOf } from '../system.js';
import { BUCKET, follow } from './clients.js';

interface Member {
  readonly connection: NatsConnection;
  readonly bucket: KV;
  readonly key: string;
}

/** A connection each, which the library brings back after its usual pauses, for as long as it takes. */
export class NatsMembers implements Members {
  private readonly members: Member[] = [];

  constructor(private readonly reach: Reach) {}

  async join(member: number, topic: string, value: string, onValue: (value: string) => void): Promise<void> {
    const connection = await connect({
      ...{ servers: addressesOf(this.reach, member), noRandomize: true, ignoreClusterUpdates: true },
      maxReconnectAttempts: -1,
    });
    const bucket = await new Kvm(connection).open(BUCKET);
    this.members[member] = { connection, bucket, key: `${topic}.m${member}` };
    await this.publish(member, value);
    await follow(bucket, topic, onValue);
  }

  async publish(member: number, value: string): Promise<void> {
    const { bucket, key } = this.members[member]!;
    await bucket.put(key, value);
  }

  /** By reading what it has registered, which stays without it. */
  async confirm(member: number): Promise<void> {
    const { bucket, key } = this.members[member]!;
    if (!(await bucket.get(key))) throw new Error(`${key} is not there.`);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.members.splice(0).map(({ connection }) => connection.close()));
  }
}
