import type { Etcd3, Lease } from 'etcd3';
import { type Members, type Reach, addressesOf } from '../system.js';
import { LEASE_SECONDS, follow, open } from './clients.js';

interface Member {
  readonly client: Etcd3;
  readonly key: string;
  lease: Lease;
  value: string;
}

/** A client and a lease each. The library keeps the lease alive; when it is lost, a member registers anew, as its manual says. */
export class EtcdMembers implements Members {
  private readonly members: Member[] = [];
  private isOver = false;

  constructor(private readonly reach: Reach) {}

  async join(member: number, topic: string, value: string, onValue: (value: string) => void): Promise<void> {
    const client = open(addressesOf(this.reach, member), `member-${member}`);
    const joined: Member = { client, key: `${topic}/m${member}`, value, lease: this.grant(member, client) };
    this.members[member] = joined;
    await joined.lease.grant();
    await this.publish(member, value);
    await follow(client, topic, onValue);
  }

  async publish(member: number, value: string): Promise<void> {
    const joined = this.members[member]!;
    joined.value = value;
    await joined.lease.put(joined.key).value(value);
  }

  /** By one keep-alive of its lease, which goes over the connection that there is then. */
  async confirm(member: number): Promise<void> {
    await this.members[member]!.lease.keepaliveOnce();
  }

  async close(): Promise<void> {
    this.isOver = true;
    for (const { client, lease } of this.members.splice(0)) {
      lease.release();
      client.close();
    }
  }

  private grant(member: number, client: Etcd3): Lease {
    const lease = client.lease(LEASE_SECONDS);
    lease.on('lost', () => {
      if (this.isOver) return;
      this.members[member]!.lease = this.grant(member, client);
      this.publish(member, this.members[member]!.value).catch(() => {});
    });
    return lease;
  }
}
