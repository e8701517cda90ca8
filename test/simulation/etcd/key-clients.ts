import { type KeyEvent, type KeyValue, type WatchEvent, placeOf } from '#etcd';
import { key, text } from '#etcd/testing';
import type { Random } from '#model';
import type { KeyCall, KeyReply, SessionKeyStore } from '#registry';
import { slotOf } from '#sharding';
import { type Cluster, type SessionHost, Violation } from '#sim';

const SLOTS = 8;
export const TTL_S = 6;
export const PREFIX = { key: key('app/'), rangeEnd: key('app0') };
const NAMES = ['app/a', 'app/b', 'app/one/a', 'app/one/b', 'app/two/a', 'app/three/x/y'];

/** What one key is known to be, by what was acknowledged last and by what may have happened since. */
interface Known {
  revision: bigint;
  value: string | undefined;
  lease: Lease | undefined;
  /** Of the slot when that was acknowledged. */
  leaderEpoch: number;
}

/** A lease, which lives for as long as its client wants it to and somebody has answered its keepalives. */
export interface Lease {
  id: bigint;
  isWanted: boolean;
  /** Until then it lives, as far as its client knows. */
  untilMs: number;
}

/** Somebody who watches everything, and what that comes to. */
export interface Watcher {
  session: SessionHost;
  life: number;
  held: Map<string, KeyValue>;
  last: bigint;
  end: string | undefined;
  events: number;
}

/** Clients of the keyspace who do this and that, and hold what they are answered against what they know. */
export class KeyClients {
  readonly watchers: Watcher[] = [];
  readonly leases: Lease[] = [];
  readonly counts: Record<string, number> = {};
  private readonly known = new Map<string, Known>();
  /** Keys of which a change is under way, or of which nobody knows whether a change was made. */
  private readonly unsure = new Map<string, number>();
  private readonly highest = new Map<string, bigint>();
  private readonly stores = new Map<SessionHost, SessionKeyStore>();
  private readonly random: Random;
  private made = 0;

  constructor(private readonly cluster: Cluster) {
    this.random = cluster.world.fork();
  }

  act(): void {
    const session = this.pick(this.cluster.sessions.filter(({ running, core }) => running && core));
    if (!session) return;
    const roll = this.random();
    const name = this.pick(NAMES)!;
    if (roll < 0.3) this.put(session, name, undefined);
    else if (roll < 0.5) this.put(session, name, this.pick(this.leases.filter(({ isWanted }) => isWanted)));
    else if (roll < 0.6) this.remove(session, name);
    else if (roll < 0.7) this.swap(session, name);
    else if (roll < 0.9) this.read(session, name);
    else if (roll < 0.95) this.watch(session);
    else this.grant(session);
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** Some clients of leases go. */
  letGo(): void {
    const lease = this.pick(this.leases.filter(({ isWanted }) => isWanted));
    if (!lease) return;
    lease.isWanted = false;
    this.count('lease let go');
  }

  keepAlive(lease: Lease): void {
    const session = this.pick(this.cluster.sessions.filter(({ running, core }) => running && core));
    if (!session || !lease.isWanted) return;
    const askedAtMs = this.cluster.nowMs;
    this.call(session, { method: 'keepAlive', id: lease.id }, (reply) => {
      if (!reply.ok || !('ttlS' in reply.answer)) return;
      if (reply.answer.ttlS === 0n) {
        if (this.cluster.nowMs < lease.untilMs && lease.isWanted)
          throw new Violation('leases', `lease ${lease.id} is gone ${lease.untilMs - this.cluster.nowMs} ms too soon`);
        lease.isWanted = false;
      } else lease.untilMs = Math.max(lease.untilMs, askedAtMs + TTL_S * 1_000);
    });
  }

  /** What is there, through each session server: all say the same, and watches have come to it. */
  check(): void {
    const [first, ...others] = this.cluster.sessions.map((session) => this.all(session));
    for (const other of others)
      if (other !== first) throw new Violation('ranges', `one session server reads ${first}, another ${other}`);
    for (const [name, { lease, value }] of this.known) {
      const isThere = first!.includes(`${name}=${value} `);
      if (lease && !lease.isWanted && isThere) throw new Violation('leases', `${name} outlives its lease`);
      if (lease || this.unsure.get(name)) continue;
      if (value !== undefined && !isThere) throw new Violation('durability', `${name}=${value} is lost: ${first}`);
    }
    for (const watcher of this.watchers) {
      if (watcher.end !== undefined || this.isGone(watcher)) continue;
      const held = describe([...watcher.held.values()]);
      if (held !== first) throw new Violation('watches', `a watch has come to ${held}, and there is ${first}`);
      this.count('watch held to the end');
    }
  }

  private all(session: SessionHost): string {
    let found: string | undefined;
    const read = (): void =>
      this.call(session, { method: 'range', request: PREFIX }, (reply) => {
        if (reply.ok && 'kvs' in reply.answer) found = describe(reply.answer.kvs);
        else this.cluster.world.at(this.cluster.nowMs + 100, read);
      });
    read();
    this.cluster.until('a range is answered', () => found !== undefined, 20_000);
    return found!;
  }

  private put(session: SessionHost, name: string, lease: Lease | undefined): void {
    const value = `v${++this.made}`;
    const request = { key: key(name), value: key(value), lease: lease?.id ?? 0n };
    this.change(session, name, { method: 'put', request }, () => {
      if (lease) this.count('put with a lease');
      return { value, lease };
    });
  }

  private remove(session: SessionHost, name: string): void {
    const request = { key: key(name) };
    this.change(session, name, { method: 'deleteRange', request }, () => ({ value: undefined, lease: undefined }));
  }

  /** Puts it if nobody has changed it since it was read. */
  private swap(session: SessionHost, name: string): void {
    this.call(session, { method: 'range', request: { key: key(name) } }, (reply) => {
      if (!reply.ok || !('kvs' in reply.answer)) return;
      const operand = reply.answer.kvs[0]?.modRevision ?? 0n;
      const value = `v${++this.made}`;
      const request = {
        compare: [{ key: key(name), result: '=' as const, target: 'mod' as const, operand }],
        success: [{ op: 'put' as const, request: { key: key(name), value: key(value) } }],
        failure: [],
      };
      this.change(session, name, { method: 'txn', request }, (answer) => {
        const succeeded = 'succeeded' in answer && answer.succeeded;
        this.count(succeeded ? 'swapped' : 'not swapped');
        return succeeded ? { value, lease: undefined } : undefined;
      });
    });
  }

  private change(
    session: SessionHost,
    name: string,
    call: KeyCall,
    made: (answer: Extract<KeyReply, { ok: true }>['answer']) => Pick<Known, 'value' | 'lease'> | undefined,
  ): void {
    this.unsure.set(name, (this.unsure.get(name) ?? 0) + 1);
    const leaderEpoch = this.leaderEpoch(name);
    this.call(session, call, (reply) => {
      if (!reply.ok && ['OUTCOME_UNKNOWN', 'NOT_DURABLE', 'SHUTTING_DOWN'].includes(reply.code)) {
        // It stays unsure until somebody has changed it again.
        this.known.delete(name);
        return this.count('outcome unknown');
      }
      this.unsure.set(name, this.unsure.get(name)! - 1);
      if (!reply.ok) return this.count(reply.code);
      this.count(call.method);
      const known = made(reply.answer);
      const { revision } = reply.answer.header;
      const isLater = revision > (this.known.get(name)?.revision ?? 0n);
      if (known && isLater) this.known.set(name, { ...known, revision, leaderEpoch });
    });
  }

  private read(session: SessionHost, name: string): void {
    const known = this.known.get(name);
    const isSure = !this.unsure.get(name);
    this.call(session, { method: 'range', request: { key: key(name) } }, (reply) => {
      if (!reply.ok || !('kvs' in reply.answer)) return;
      this.count('read');
      const isStill = this.known.get(name) === known && isSure && !this.unsure.get(name);
      if (!known || !isStill) return;
      const [kv] = reply.answer.kvs;
      const isLed = this.leaderEpoch(name) === known.leaderEpoch;
      const lives = known.lease === undefined || (known.lease.isWanted && this.cluster.nowMs < known.lease.untilMs);
      // What has a lease may be lost with the leader that took it, but for a moment.
      if (!lives || (known.lease !== undefined && !isLed)) return;
      const found = kv && text(kv.value);
      if (known.value === undefined && !isLed && !kv) return;
      if (found !== known.value) {
        throw new Violation('own reads', `${name} is ${found}, and ${known.value} was acknowledged`);
      }
      this.count('read what was known');
    });
  }

  private grant(session: SessionHost): void {
    const askedAtMs = this.cluster.nowMs;
    this.call(session, { method: 'grant', request: { id: 0n, ttlS: BigInt(TTL_S) } }, (reply) => {
      if (!reply.ok || !('id' in reply.answer)) return;
      const lease = { id: reply.answer.id, isWanted: true, untilMs: askedAtMs + TTL_S * 1_000 };
      this.leases.push(lease);
      const again = (): void => {
        this.keepAlive(lease);
        if (lease.isWanted) this.cluster.world.at(this.cluster.nowMs + TTL_S * 250, again);
      };
      again();
    });
  }

  private watch(session: SessionHost): void {
    if (this.watchers.filter((watcher) => watcher.end === undefined && !this.isGone(watcher)).length > 6) return;
    this.call(session, { method: 'range', request: PREFIX }, (reply) => {
      if (!reply.ok || !('kvs' in reply.answer) || !session.running || !session.core) return;
      const { kvs, header } = reply.answer;
      const held = new Map(kvs.map((kv) => [text(kv.key), kv]));
      const watcher: Watcher = {
        ...{ session, life: session.lives, held, last: header.revision, end: undefined, events: 0 },
      };
      this.watchers.push(watcher);
      this.storeOf(session).watchAtOnce({ ...PREFIX, startRevision: header.revision + 1n }, (event) =>
        this.told(watcher, event),
      );
    });
  }

  /** One for each server, since it numbers the watches. */
  private storeOf(session: SessionHost): SessionKeyStore {
    let store = this.stores.get(session);
    if (!store) this.stores.set(session, (store = session.keyStore(() => {})));
    return store;
  }

  private told(watcher: Watcher, event: WatchEvent): void {
    if (event.type === 'ended') {
      watcher.end = event.reason;
      return this.count(`watch ended: ${event.reason}`);
    }
    if (event.type !== 'events') return;
    const revisions = event.events.map(({ kv }) => kv.modRevision);
    if (new Set(revisions).size !== 1 || revisions[0]! <= watcher.last)
      throw new Violation('watches', `a watch is told of ${revisions.join(', ')} after ${watcher.last}`);
    watcher.last = revisions[0]!;
    for (const each of event.events) this.apply(watcher, each);
  }

  private apply(watcher: Watcher, { type, kv }: KeyEvent): void {
    const name = text(kv.key);
    const before = watcher.held.get(name);
    this.count(`told of a ${type}`);
    watcher.events++;
    if (type === 'delete') {
      if (!before) throw new Violation('watches', `${name} is deleted, of which the watch knows nothing`);
      watcher.held.delete(name);
      return;
    }
    const isNext = before
      ? kv.version === before.version + 1n && kv.createRevision === before.createRevision
      : kv.version === 1n;
    if (!isNext)
      throw new Violation('watches', `${name} is told at version ${kv.version}, after ${before?.version ?? 'none'}`);
    watcher.held.set(name, kv);
  }

  private isGone({ session, life }: Watcher): boolean {
    return session.lives !== life || !session.core;
  }

  private call(session: SessionHost, call: KeyCall, answered: (reply: KeyReply) => void): void {
    const life = `${session.name} ${session.incarnation}`;
    const before = this.highest.get(life) ?? 0n;
    session.callKeys(call, (reply) => {
      if (reply.ok) {
        const { revision } = reply.answer.header;
        if (revision < before)
          throw new Violation('revisions', `${life} answers ${call.method} at ${revision}, after ${before}`);
        if (revision > (this.highest.get(life) ?? 0n)) this.highest.set(life, revision);
      }
      answered(reply);
    });
  }

  private leaderEpoch(name: string): number {
    const { table } = this.cluster.meta.state;
    return table.slots[slotOf(placeOf(name)!.dataInfoId, SLOTS)]?.leaderEpoch ?? 0;
  }

  private pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.random() * items.length)];
  }
}

function describe(kvs: KeyValue[]): string {
  const lines = kvs.map((kv) => `${text(kv.key)}=${text(kv.value)} @${kv.modRevision}`);
  return lines.toSorted().join(', ');
}
