import type { Key } from '../bytes.js';
import { EtcdError } from '../errors.js';
import { ETCD_LIMITS } from '../limits.js';

interface Lease {
  ttlS: bigint;
  untilMs: number;
  keys: Set<Key>;
}

/** The leases of a {@link MemoryStore}. */
export class MemoryLeases {
  private readonly held = new Map<bigint, Lease>();
  private readonly leaseOf = new Map<Key, Lease>();
  private lastId = 0n;

  constructor(private readonly nowMs: () => number) {}

  has(id: bigint): boolean {
    return this.held.has(id);
  }

  ids(): bigint[] {
    return [...this.held.keys()];
  }

  grant({ id: wanted, ttlS: asked }: { id: bigint; ttlS: bigint }): { id: bigint; ttlS: bigint } {
    if (asked > ETCD_LIMITS.maxTtlS) throw new EtcdError('LEASE_TTL_TOO_LARGE');
    if (this.held.has(wanted)) throw new EtcdError('LEASE_EXISTS');
    let id = wanted;
    while (id === 0n || this.held.has(id)) id = ++this.lastId;
    const ttlS = asked < ETCD_LIMITS.minTtlS ? ETCD_LIMITS.minTtlS : asked;
    this.held.set(id, { ttlS, untilMs: this.nowMs() + Number(ttlS) * 1000, keys: new Set() });
    return { id, ttlS };
  }

  keepAlive(id: bigint): bigint {
    const lease = this.held.get(id);
    if (!lease) return 0n;
    lease.untilMs = this.nowMs() + Number(lease.ttlS) * 1000;
    return lease.ttlS;
  }

  timeToLive(id: bigint): { ttlS: bigint; grantedTtlS: bigint; keys: Key[] } {
    const lease = this.held.get(id);
    if (!lease) return { ttlS: -1n, grantedTtlS: 0n, keys: [] };
    const ttlS = BigInt(Math.floor((lease.untilMs - this.nowMs()) / 1000));
    return { ttlS, grantedTtlS: lease.ttlS, keys: [...lease.keys].toSorted() };
  }

  /** The key has this lease from now on, or none. */
  attach(key: Key, id: bigint): void {
    this.leaseOf.get(key)?.keys.delete(key);
    const lease = this.held.get(id);
    if (!lease) return void this.leaseOf.delete(key);
    lease.keys.add(key);
    this.leaseOf.set(key, lease);
  }

  /** @returns the keys that go with it */
  revoke(id: bigint): Key[] {
    const lease = this.held.get(id);
    if (!lease) throw new EtcdError('LEASE_NOT_FOUND');
    this.held.delete(id);
    return [...lease.keys].toSorted();
  }

  takeEnded(): { keys: Key[] }[] {
    const ended = [...this.held].filter(([, { untilMs }]) => untilMs <= this.nowMs());
    return ended.map(([id]) => ({ keys: this.revoke(id) }));
  }
}
