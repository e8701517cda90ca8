import { once } from 'node:events';
import zookeeper, { type Client } from 'node-zookeeper-client';
import { type Members, type Reach, addressesOf } from '../system.js';
import { Directory, ROOT, done } from './clients.js';

interface Member {
  readonly topic: string;
  readonly path: string;
  readonly onValue: (value: string) => void;
  client: Client;
  value: string;
}

/**
 * A session each, with an ephemeral node. After a lost connection the library brings the session and its watches back, and what
 * could not be read meanwhile is read again, as service caches of its clients do; after a lost session a member begins anew.
 */
export class ZooKeeperMembers implements Members {
  private readonly members: Member[] = [];
  private isOver = false;

  constructor(private readonly reach: Reach) {}

  async join(member: number, topic: string, value: string, onValue: (value: string) => void): Promise<void> {
    const joined = { topic, path: `${ROOT}/${topic}/m${member}`, onValue, value, client: this.client(member) };
    this.members[member] = joined;
    await this.begin(member);
  }

  async publish(member: number, value: string): Promise<void> {
    const joined = this.members[member]!;
    joined.value = value;
    await done((callback) => joined.client.setData(joined.path, Buffer.from(value), -1, callback));
  }

  /** By asking for its node. */
  async confirm(member: number): Promise<void> {
    const { client, path } = this.members[member]!;
    const found = await new Promise((resolve, reject) =>
      client.exists(path, (error, stat) => (error ? reject(new Error(String(error))) : resolve(stat))),
    );
    if (!found) throw new Error(`${path} is not there.`);
  }

  async close(): Promise<void> {
    this.isOver = true;
    for (const { client } of this.members.splice(0)) client.close();
  }

  private client(member: number): Client {
    return zookeeper.createClient(addressesOf(this.reach, member).join(','));
  }

  /** With a session that is new. */
  private async begin(member: number): Promise<void> {
    const { client, topic, path, value, onValue } = this.members[member]!;
    const directory = new Directory(client, `${ROOT}/${topic}`, onValue);
    client.on('expired', () => {
      if (this.isOver) return;
      this.members[member]!.client = this.client(member);
      this.begin(member).catch(() => {});
    });
    const connected = once(client, 'connected');
    client.connect();
    await connected;
    client.on('connected', directory.changed);
    await done((callback) => client.mkdirp(`${ROOT}/${topic}`, callback));
    await done((callback) => client.create(path, Buffer.from(value), zookeeper.CreateMode.EPHEMERAL, callback));
    await directory.read();
  }
}
