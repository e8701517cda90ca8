import type { DepartedMember, Member } from '#model';

/**
 * The leases of all members, and how long the departed have been gone. Held in memory by the leader alone: a new
 * leader grants everyone a full lease, so nothing here needs to be replicated.
 */
export class Leases {
  private readonly endsAtMs = new Map<string, number>();
  private readonly departedAtMs = new Map<string, number>();

  constructor(private readonly leaseMs: number) {}

  clear(): void {
    this.endsAtMs.clear();
    this.departedAtMs.clear();
  }

  /** Follows the table: whoever is new gets a full lease, and whoever departed is remembered from now on. */
  follow(nowMs: number, members: Member[], departed: DepartedMember[]): void {
    align(this.endsAtMs, members, nowMs + this.leaseMs);
    align(this.departedAtMs, departed, nowMs);
  }

  /** False when no lease is held. */
  renew(nowMs: number, incarnation: string): boolean {
    if (!this.endsAtMs.has(incarnation)) return false;
    this.endsAtMs.set(incarnation, nowMs + this.leaseMs);
    return true;
  }

  extendAll(byMs: number): void {
    for (const [incarnation, endsAtMs] of this.endsAtMs) this.endsAtMs.set(incarnation, endsAtMs + byMs);
  }

  expired(nowMs: number): string[] {
    return keysUpTo(this.endsAtMs, nowMs);
  }

  departedSince(atMs: number): string[] {
    return keysUpTo(this.departedAtMs, atMs);
  }

  list(nowMs: number): { incarnation: string; leftMs: number }[] {
    return Array.from(this.endsAtMs, ([incarnation, endsAtMs]) => ({
      incarnation,
      leftMs: Math.max(0, endsAtMs - nowMs),
    }));
  }
}

/** Makes the keys of `times` the incarnations listed; those that are new get `timeMs`. */
function align(times: Map<string, number>, listed: { incarnation: string }[], timeMs: number): void {
  const present = new Set(listed.map(({ incarnation }) => incarnation));
  for (const incarnation of times.keys()) if (!present.has(incarnation)) times.delete(incarnation);
  for (const incarnation of present) if (!times.has(incarnation)) times.set(incarnation, timeMs);
}

function keysUpTo(times: Map<string, number>, limitMs: number): string[] {
  return Array.from(times).flatMap(([incarnation, atMs]) => (atMs <= limitMs ? [incarnation] : []));
}
