import { Etcd3, type Lease } from 'etcd3';
import { pick } from '../spread.js';
import type { Clients } from '../system.js';

export const LEASE_SECONDS = 30;

/** One lease for all that a process registers, and a watch that begins where the first reading ends. */
export class EtcdClients implements Clients {
  private readonly clients: Etcd3[] = [];
  private leases: Lease[] = [];
  private readonly keys: string[] = [];

  constructor(private readonly addresses: readonly string[]) {}

  async open(connections: number): Promise<void> {
    this.leases = Array.from({ length: connections }, () => this.connect().lease(LEASE_SECONDS));
    await Promise.all(this.leases.map((lease) => lease.grant()));
  }

  async register(publisher: number, topic: string, value: string): Promise<void> {
    this.keys[publisher] = `${topic}/${publisher}`;
    await this.publish(publisher, value);
  }

  async publish(publisher: number, value: string): Promise<void> {
    await pick(this.leases, publisher).put(this.keys[publisher]!).value(value);
  }

  async subscribe(topic: string, onValue: (value: string) => void): Promise<void> {
    await follow(this.connect(), topic, onValue);
  }

  /** What was registered goes with the servers, which are stopped next. */
  async close(): Promise<void> {
    for (const lease of this.leases) lease.release();
    for (const client of this.clients.splice(0)) client.close();
  }

  private connect(): Etcd3 {
    const index = this.clients.length;
    const client = open([pick(this.addresses, index)], `bench-${index}`);
    this.clients.push(client);
    return client;
  }
}

export function open(addresses: readonly string[], name: string): Etcd3 {
  return new Etcd3({
    hosts: addresses.map((address) => `http://${address}`),
    // gRPC has channels of the same options share a connection; those of different processes would not.
    grpcOptions: { 'grpc.primary_user_agent': name },
  });
}

/** What is there, and then what changes; the library goes on from the last revision after a failure. */
export async function follow(client: Etcd3, topic: string, onValue: (value: string) => void): Promise<void> {
  const { kvs, header } = await client.getAll().prefix(`${topic}/`).exec();
  for (const { value } of kvs) onValue(value.toString());
  const next = String(Number(header.revision) + 1);
  const watcher = await client.watch().prefix(`${topic}/`).startRevision(next).create();
  watcher.on('put', ({ value }) => onValue(value.toString()));
}
