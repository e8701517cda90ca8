import { Layouts, type KeyEvent, type KeyValue, nativeKeysIn } from '#etcd';
import { key, text } from '#etcd/testing';
import { formatEndpoint, parseEndpoint } from '#model';
import type { SessionKeyStore } from '#registry';
import {
  type Cluster,
  type ClusterOptions,
  type Cores,
  type SessionHost,
  type SimClient,
  Violation,
  realCores,
} from '#sim';
import { watched } from '../watched.js';

export const SERVICE = 'demo';
export const PREFIX = { key: key('kitex/registry-etcd/demo/'), rangeEnd: key('kitex/registry-etcd/demo0') };

const decoder = new TextDecoder();
const dataOf = (body: Uint8Array): string[] => (JSON.parse(decoder.decode(body)) as { data: string[] }).data;

/** Clients of the SDK, and session servers that serve the keyspace with the layout of Kitex. */
export function clusterWithLayout(options: ClusterOptions, session: Cores['session'] = realCores.session): Cluster {
  const layouts = Layouts.of(['kitex'], () => {});
  const known = { keyLayouts: layouts.keyLayouts, nativeKeysIn: nativeKeysIn(layouts, dataOf) };
  return watched({ ...options, cores: { ...options.cores, session: (own) => session({ ...own, ...known }) } });
}

/** The data of somebody who serves there with that weight. */
export function serves(host: string, weight = 10): string[] {
  return [formatEndpoint({ ...parseEndpoint('tcp://10.0.0.1:80')!, host, weight })];
}

export function keyOf(host: string): string {
  return `kitex/registry-etcd/demo/${host}:80`;
}

/** As a client of etcd does: reads at one revision, through one server, and watches from the next on, through another. */
export class NativeWatcher {
  readonly told: string[] = [];
  held = new Map<string, KeyValue>();
  end: string | undefined;
  isCreated = false;
  private last = 0n;
  private at: { session: SessionHost; life: number } | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly reads: SessionHost,
    private readonly watches: SessionHost,
    private readonly storeOf: (session: SessionHost) => SessionKeyStore,
  ) {
    this.read();
  }

  /** Its server has died; it goes on at another with what it knows. */
  resume(session: SessionHost): void {
    this.watch(session);
  }

  /** The server through which it watches lives. */
  get isHeld(): boolean {
    return this.at !== undefined && this.at.session.running && this.at.session.lives === this.at.life;
  }

  state(): string {
    return stateOf(this.held.values());
  }

  private read(): void {
    this.reads.callKeys({ method: 'range', request: PREFIX }, (reply) => {
      if (!reply.ok || !('kvs' in reply.answer))
        return void this.cluster.world.at(this.cluster.nowMs + 50, () => this.read());
      this.held = new Map(reply.answer.kvs.map((kv) => [text(kv.key), kv]));
      this.last = reply.answer.header.revision;
      this.watch(this.watches);
    });
  }

  private watch(session: SessionHost): void {
    this.at = { session, life: session.lives };
    if (!session.running || !session.core) return;
    this.storeOf(session).watchAtOnce({ ...PREFIX, startRevision: this.last + 1n }, (event) => {
      if (event.type === 'created') this.isCreated = true;
      if (event.type === 'ended') this.end = event.reason;
      if (event.type === 'events') this.take(event.events);
    });
  }

  private take(events: KeyEvent[]): void {
    const revisions = new Set(events.map(({ kv }) => kv.modRevision));
    const [revision] = revisions;
    if (revisions.size !== 1 || revision! <= this.last)
      throw new Violation('native watches', `told of ${[...revisions].join(', ')} after ${this.last}`);
    this.last = revision!;
    for (const { type, kv } of events) {
      const name = text(kv.key);
      this.told.push(`${type} ${name}`);
      const isThere = this.held.has(name);
      if (type === 'delete' && !isThere)
        throw new Violation('native watches', `${name} is deleted, of which it knows nothing`);
      if (type === 'delete') this.held.delete(name);
      else this.held.set(name, kv);
    }
  }
}

/** What keys there are with which values. */
export function stateOf(kvs: Iterable<KeyValue>): string {
  return Array.from(kvs, (kv) => `${text(kv.key)}=${text(kv.value)}`)
    .toSorted()
    .join('\n');
}

/** One store for each server, since it numbers the watches. */
export function makeStores(): (session: SessionHost) => SessionKeyStore {
  const stores = new Map<SessionHost, SessionKeyStore>();
  return (session) => {
    let store = stores.get(session);
    if (!store) stores.set(session, (store = session.keyStore(() => {})));
    return store;
  };
}

/** What is read through a server when all is well. */
export function readAll(cluster: Cluster, session: SessionHost): string {
  let found: string | undefined;
  const read = (): void =>
    session.callKeys({ method: 'range', request: PREFIX }, (reply) => {
      if (reply.ok && 'kvs' in reply.answer) found = stateOf(reply.answer.kvs);
      else cluster.world.at(cluster.nowMs + 100, read);
    });
  read();
  cluster.until('a range is answered', () => found !== undefined, 20_000);
  return found!;
}

export function publish(client: SimClient, host: string, weight = 10): ReturnType<SimClient['publish']> {
  return client.publish({ dataId: SERVICE, data: serves(host, weight) });
}
