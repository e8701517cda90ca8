import { type Publisher, RegistryClient } from '#client';
import { type Members, type Reach, addressesOf } from '../system.js';

interface Member {
  readonly client: RegistryClient;
  readonly publisher: Publisher;
  value: string;
}

/** A client of the SDK each, which brings everything back by itself. */
export class SdkMembers implements Members {
  private readonly members: Member[] = [];

  constructor(private readonly reach: Reach) {}

  async join(member: number, topic: string, value: string, onValue: (value: string) => void): Promise<void> {
    const client = new RegistryClient({ seeds: addressesOf(this.reach, member) });
    const publisher = await client.publish({ dataId: topic, data: [value] });
    this.members[member] = { client, publisher, value };
    const subscription = client.subscribe({ dataId: topic }, ({ publishers }) => {
      for (const { data } of publishers) onValue(data[0]!);
    });
    await subscription.ready();
  }

  async publish(member: number, value: string): Promise<void> {
    const joined = this.members[member]!;
    joined.value = value;
    await joined.publisher.republish([value]);
  }

  /** By saying the same again, which tells nobody anything. */
  async confirm(member: number): Promise<void> {
    const { publisher, value } = this.members[member]!;
    await publisher.republish([value]);
  }

  async close(): Promise<void> {
    await Promise.all(this.members.splice(0).map(({ client }) => client.close({ drain: false })));
  }
}
