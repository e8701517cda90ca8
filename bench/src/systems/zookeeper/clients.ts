import { once } from 'node:events';
import zookeeper, { type Client, type Event } from 'node-zookeeper-client';
import { pick } from '../spread.js';
import type { Clients } from '../system.js';

export const ROOT = '/bench';

/** One session for all that a process registers; a subscriber watches its directory and each node in it. */
export class ZooKeeperClients implements Clients {
  private readonly clients: Client[] = [];
  private publishing: Client[] = [];
  private readonly paths: string[] = [];
  private readonly parents = new Map<string, Promise<void>>();

  constructor(private readonly addresses: readonly string[]) {}

  async open(connections: number): Promise<void> {
    this.publishing = await Promise.all(Array.from({ length: connections }, () => this.connect()));
  }

  async register(publisher: number, topic: string, value: string): Promise<void> {
    await this.ensure(topic);
    const path = (this.paths[publisher] = `${ROOT}/${topic}/${publisher}`);
    const client = pick(this.publishing, publisher);
    await done((callback) => client.create(path, Buffer.from(value), zookeeper.CreateMode.EPHEMERAL, callback));
  }

  async publish(publisher: number, value: string): Promise<void> {
    const client = pick(this.publishing, publisher);
    await done((callback) => client.setData(this.paths[publisher]!, Buffer.from(value), -1, callback));
  }

  async subscribe(topic: string, onValue: (value: string) => void): Promise<void> {
    await this.ensure(topic);
    const directory = new Directory(await this.connect(), `${ROOT}/${topic}`, onValue);
    await directory.read();
  }

  /** What was registered goes with the servers, which are stopped next. */
  async close(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
  }

  private async connect(): Promise<Client> {
    const client = zookeeper.createClient(pick(this.addresses, this.clients.length));
    this.clients.push(client);
    const connected = once(client, 'connected');
    client.connect();
    await connected;
    return client;
  }

  /** A node that is not ephemeral, below which publishers are. */
  private ensure(topic: string): Promise<void> {
    let made = this.parents.get(topic);
    if (!made) {
      const client = this.publishing[0]!;
      this.parents.set(topic, (made = done((callback) => client.mkdirp(`${ROOT}/${topic}`, callback))));
    }
    return made;
  }
}

/** What is below a node, read again when it changes. */
export class Directory {
  private readonly watched = new Set<string>();

  constructor(
    private readonly client: Client,
    private readonly path: string,
    private readonly onValue: (value: string) => void,
  ) {}

  /** Resolves when all nodes are read and watched. */
  async read(): Promise<void> {
    const names = await new Promise<string[]>((resolve, reject) =>
      this.client.getChildren(this.path, this.changed, (error, children) =>
        error ? reject(error) : resolve(children),
      ),
    );
    await Promise.all(
      names.map(async (name) => {
        if (this.watched.has(name)) return;
        this.watched.add(name);
        await this.readNode(name);
      }),
    );
  }

  /** One and the same for every reading, of which the library so calls one. */
  readonly changed = (): void => void this.read().catch(() => {});

  private readNode(name: string): Promise<void> {
    const { NODE_DATA_CHANGED } = zookeeper.Event;
    const changed = (event: Event): void => {
      if (event.type === NODE_DATA_CHANGED) void this.readNode(name);
      else this.watched.delete(name);
    };
    return new Promise((resolve) =>
      this.client.getData(`${this.path}/${name}`, changed, (error, data) => {
        // It has gone meanwhile, which its directory tells too.
        if (error) this.watched.delete(name);
        else this.onValue(data.toString());
        resolve();
      }),
    );
  }
}

export function done(call: (callback: (error: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    call((error) => {
      if (error) reject(error instanceof Error ? error : new Error(String(error)));
      else resolve();
    }),
  );
}
