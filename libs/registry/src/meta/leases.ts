import type { DepartedMember, Member } from '#model';

/** Why a lease ends when it does: it ran out, or it was cut short for a cause. */
type EndCause = Exclude<DepartedMember['cause'], 'left'>;

interface Lease {
  endsAtMs: number;
  cause: EndCause;
}

/**
 * The leases of all members, and how long the departed have been gone. Held in memory by the leader alone: a new
 * leader grants everyone a full lease, so nothing here needs to be replicated.
 */
export class Leases {
  private readonly leases = new Map<string, Lease>();
  private readonly departedAtMs = new Map<string, number>();

  constructor(private readonly leaseMs: number) {}

  clear(): void {
    this.leases.clear();
    this.departedAtMs.clear();
  }

  /** Follows the table: whoever is new gets a full lease, and whoever departed is remembered from now on. */
  follow(nowMs: number, members: Member[], departed: DepartedMember[]): void {
    align(this.leases, members, () => this.full(nowMs));
    align(this.departedAtMs, departed, () => nowMs);
  }

  /** A full lease, also for one that was cut short: who can ask for it lives. False when no lease is held. */
  renew(nowMs: number, incarnation: string): boolean {
    if (!this.leases.has(incarnation)) return false;
    this.leases.set(incarnation, this.full(nowMs));
    return true;
  }

  /** Lets a lease end at `endsAtMs`, unless it ends before that anyway or is renewed. */
  cut(incarnation: string, endsAtMs: number, cause: EndCause): void {
    const lease = this.leases.get(incarnation);
    if (lease && endsAtMs < lease.endsAtMs) this.leases.set(incarnation, { endsAtMs, cause });
  }

  extendAll(byMs: number): void {
    for (const lease of this.leases.values()) lease.endsAtMs += byMs;
  }

  expired(nowMs: number): { incarnation: string; cause: EndCause }[] {
    return Array.from(this.leases).flatMap(([incarnation, { endsAtMs, cause }]) =>
      endsAtMs <= nowMs ? [{ incarnation, cause }] : [],
    );
  }

  departedSince(atMs: number): string[] {
    return Array.from(this.departedAtMs).flatMap(([incarnation, sinceMs]) => (sinceMs <= atMs ? [incarnation] : []));
  }

  list(nowMs: number): { incarnation: string; leftMs: number }[] {
    return Array.from(this.leases, ([incarnation, { endsAtMs }]) => ({
      incarnation,
      leftMs: Math.max(0, endsAtMs - nowMs),
    }));
  }

  private full(nowMs: number): Lease {
    return { endsAtMs: nowMs + this.leaseMs, cause: 'expired' };
  }
}

/** Makes the keys of `held` the incarnations listed; those that are new get a value of their own. */
function align<Value>(held: Map<string, Value>, listed: { incarnation: string }[], value: () => Value): void {
  const present = new Set(listed.map(({ incarnation }) => incarnation));
  for (const incarnation of held.keys()) if (!present.has(incarnation)) held.delete(incarnation);
  for (const incarnation of present) if (!held.has(incarnation)) held.set(incarnation, value());
}
