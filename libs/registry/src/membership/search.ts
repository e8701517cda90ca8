import type { LinkId, Random } from '#model';

/**
 * From the dial to the link. Beyond it the next address is tried beside this one: what remains of a lease when a silent
 * meta server is given up must be enough to pass by another that is as silent.
 */
const DIAL_MS = 300;
/** From the link to the answer of the join. */
const ANSWER_MS = 2_000;
const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 2_000;
/** The pause while the only meta servers found belong to another cluster, which time alone will not mend. */
const PAUSE_SLOW_MS = 10_000;

/**
 * The search for a meta server that takes us: rounds over all addresses, one after the other, with a jittered and
 * growing pause between rounds. The address of a leader that a meta server names is tried next, once per round, so
 * that two servers that point at each other cannot spin us.
 */
export class MetaSearch {
  /** Every meta link that is up, also those being hung up, by the address it has. */
  readonly links = new Map<LinkId, string>();
  hasFailedARound = false;
  lastFailure = '';

  private readonly dialling = new Set<string>();
  private attempt: { address: string; link: LinkId | undefined; deadlineMs: number } | undefined;
  private queue: string[] = [];
  private triedThisRound = new Set<string>();
  private preferred: string | undefined;
  private shunned: string | undefined;
  private pauseMs = PAUSE_MIN_MS;
  private resumeAtMs: number | undefined;

  constructor(
    private readonly addresses: string[],
    private readonly random: Random,
  ) {}

  get wakeAtMs(): number | undefined {
    return this.attempt?.deadlineMs ?? this.resumeAtMs;
  }

  isDialling(address: string): boolean {
    return this.dialling.has(address);
  }

  /** True while an attempt has its link: this one, if given. */
  isLinked(link?: LinkId): boolean {
    const current = this.attempt?.link;
    return current !== undefined && (link === undefined || current === link);
  }

  /** Starts a round at `nowMs`. */
  begin(nowMs: number): void {
    this.hasFailedARound = false;
    this.startRound();
    this.resumeAtMs = nowMs;
  }

  /** `address` is tried next; said weakly, only if nothing better is known. */
  prefer(address: string, how: 'strongly' | 'weakly' = 'strongly'): void {
    if (how === 'weakly' && this.preferred !== undefined) return;
    this.preferred = address;
    if (!this.triedThisRound.has(address)) this.queue = [address, ...this.queue.filter((other) => other !== address)];
  }

  /** Nothing comes from `address`: it is tried last. */
  shun(address: string): void {
    this.shunned = address;
  }

  linked(nowMs: number, address: string, link: LinkId): void {
    this.attempt = { address, link, deadlineMs: nowMs + ANSWER_MS };
  }

  dialEnded(address: string): void {
    this.dialling.delete(address);
  }

  dialFailed(nowMs: number, address: string, message: string): void {
    this.dialEnded(address);
    this.lastFailure = message;
    if (this.attempt?.address === address && this.attempt.link === undefined) this.giveUp(nowMs);
  }

  linkFailed(nowMs: number, link: LinkId, message = 'The meta server closed the link.'): void {
    if (!this.isLinked(link)) return;
    this.lastFailure = message;
    this.giveUp(nowMs);
  }

  /** The next round comes late. */
  slowDown(): void {
    this.pauseMs = PAUSE_SLOW_MS;
  }

  /** Meta was heard: pauses start small again. */
  calm(): void {
    this.pauseMs = PAUSE_MIN_MS;
  }

  /** Ends the search. @returns the address that took us */
  succeeded(): string {
    const { address } = this.attempt!;
    this.attempt = undefined;
    this.resumeAtMs = undefined;
    this.queue = [];
    this.preferred = undefined;
    return address;
  }

  /** What to do now: give up what did not answer, dial the next address, or nothing until `wakeAtMs`. */
  advance(nowMs: number): { abandoned?: LinkId; dial?: string } {
    const next: { abandoned?: LinkId; dial?: string } = {};
    if (this.attempt && nowMs >= this.attempt.deadlineMs) {
      if (this.attempt.link !== undefined) next.abandoned = this.attempt.link;
      this.lastFailure = `${this.attempt.address} did not answer.`;
      this.giveUp(nowMs);
    }
    if (this.attempt || this.resumeAtMs === undefined || nowMs < this.resumeAtMs) return next;
    // A dial that is still under way is not repeated; should its link come up after all, it is taken.
    let address = this.queue.shift();
    while (address !== undefined && this.dialling.has(address)) address = this.queue.shift();
    if (address === undefined) {
      this.pause(nowMs);
      return next;
    }
    this.triedThisRound.add(address);
    this.dialling.add(address);
    this.attempt = { address, link: undefined, deadlineMs: nowMs + DIAL_MS };
    this.resumeAtMs = undefined;
    next.dial = address;
    return next;
  }

  private giveUp(nowMs: number): void {
    this.attempt = undefined;
    this.resumeAtMs = nowMs;
    if (this.queue.length === 0) this.pause(nowMs);
  }

  private pause(nowMs: number): void {
    this.hasFailedARound = true;
    this.resumeAtMs = nowMs + this.pauseMs * (0.5 + this.random() * 0.5);
    this.pauseMs = Math.max(this.pauseMs, Math.min(PAUSE_MAX_MS, this.pauseMs * 2));
    this.startRound();
  }

  private startRound(): void {
    const { preferred, shunned } = this;
    const others = this.addresses.filter((address) => address !== preferred && address !== shunned);
    const first = preferred === undefined ? [] : [preferred];
    const last = this.addresses.filter((address) => address === shunned && address !== preferred);
    this.queue = [...first, ...shuffle(others, this.random), ...last];
    this.preferred = undefined;
    this.shunned = undefined;
    this.triedThisRound = new Set();
  }
}

function shuffle<T>(items: T[], random: Random): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  return shuffled;
}
