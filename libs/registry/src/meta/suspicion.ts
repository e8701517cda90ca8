import type { DialFailure, LinkEffect, Member } from '#model';

/** Between two probes of one member. Each that comes soon after another doubles the pause. */
const REST_MIN_MS = 250;
const REST_MAX_MS = 2_000;
/** After this long without a suspicion the next pause is short again. */
const CALM_MS = 30_000;
/** Dials under way at a time; whoever is suspected beyond that waits for its turn. */
const MAX_DIALS = 64;

/** What a dial of a member's address has proved: nobody listens there, or another process does. */
export interface Proof {
  incarnation: string;
  cause: 'refused' | 'replaced';
}

interface Suspect {
  member: Member;
  /** Suspected since the last dial began. */
  isWanted: boolean;
  restMs: number;
  restUntilMs: number;
}

export interface SuspicionOwner {
  emit(effect: Extract<LinkEffect<never>, { type: 'dial' }>): void;
  log(level: 'debug', event: string, fields: Record<string, unknown>): void;
}

/**
 * Members that somebody could not reach are dialled at once at the address they registered, one dial for a member at a
 * time. Only a refusal there or the hello of another incarnation proves anything. A dial that comes to nothing in any
 * other way says nothing about the member's life: its event loop may stand still, or the network between may be cut.
 *
 * Whoever is a member has listened at its address since before it joined, so a refusal is as true of it whenever the
 * dial began.
 */
export class Suspicion {
  private readonly suspects = new Map<string, Suspect>();
  /** The incarnation that each dial under way is about, by address. It outlives a leadership, as the dial does. */
  private readonly dials = new Map<string, string>();

  constructor(private readonly owner: SuspicionOwner) {}

  clear(): void {
    this.suspects.clear();
  }

  forget(incarnation: string): void {
    this.suspects.delete(incarnation);
  }

  suspect(nowMs: number, member: Member): void {
    let suspect = this.suspects.get(member.incarnation);
    if (!suspect) {
      suspect = { member, isWanted: true, restMs: REST_MIN_MS, restUntilMs: nowMs };
      this.suspects.set(member.incarnation, suspect);
    }
    suspect.isWanted = true;
    this.probe(nowMs, suspect);
  }

  /** Dials whoever was suspected while it could not be dialled. */
  tick(nowMs: number): void {
    for (const [incarnation, suspect] of this.suspects) {
      if (suspect.isWanted) this.probe(nowMs, suspect);
      else if (nowMs - suspect.restUntilMs >= CALM_MS) this.suspects.delete(incarnation);
    }
  }

  /** A dial made here has led to a link with `incarnation`. */
  answered(address: string, incarnation: string): Proof | undefined {
    return this.ended(address, (suspected) => (suspected === incarnation ? 'alive' : 'replaced'));
  }

  failed(address: string, reason: DialFailure): Proof | undefined {
    return this.ended(address, () => reason);
  }

  private probe(nowMs: number, suspect: Suspect): void {
    const { member } = suspect;
    if (nowMs < suspect.restUntilMs || this.dials.has(member.address) || this.dials.size >= MAX_DIALS) return;
    suspect.isWanted = false;
    suspect.restUntilMs = nowMs + suspect.restMs;
    suspect.restMs = Math.min(2 * suspect.restMs, REST_MAX_MS);
    this.dials.set(member.address, member.incarnation);
    this.owner.emit({ type: 'dial', address: member.address });
  }

  private ended(
    address: string,
    find: (incarnation: string) => Proof['cause'] | 'alive' | DialFailure,
  ): Proof | undefined {
    const incarnation = this.dials.get(address);
    if (incarnation === undefined) return undefined;
    this.dials.delete(address);
    const found = find(incarnation);
    this.owner.log('debug', 'member-probed', { incarnation, address, found });
    return found === 'refused' || found === 'replaced' ? { incarnation, cause: found } : undefined;
  }
}
