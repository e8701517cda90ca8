import { LIMITS, type Random } from '#model';
import { SEED_EVERY } from './limits.js';
import { Refusals } from './refusals.js';

/**
 * The session servers a client may dial: those that a server told it of, and its seeds, to which it always falls back. They
 * are tried in rounds, each in a new random order, so that every address gets its turn and the clients of a lost server
 * spread over the others. What was learned comes first, since it is newer than any seed, with a seed now and then. One
 * that has refused the client is passed over for as long as it said, while there are others.
 */
export class ServerList {
  private learned: string[] = [];
  private round: string[] = [];
  private readonly refusals: Refusals;
  /** Some server has refused the client since one served it. */
  hasRefused = false;

  constructor(
    private readonly seeds: readonly string[],
    private readonly random: Random,
  ) {
    this.refusals = new Refusals(random);
  }

  /** Those learned last, at most as many as a server tells. */
  get known(): readonly string[] {
    return this.learned;
  }

  learn(sessions: unknown): void {
    if (!Array.isArray(sessions)) return;
    this.learned = [...new Set(sessions.filter(isAddress))].slice(0, LIMITS.sessionsTold);
    this.round = [];
    this.refusals.keep([...this.learned, ...this.seeds]);
  }

  /** Back to the seeds alone: what was learned belongs to another cluster. */
  forget(): void {
    this.learned = [];
    this.round = [];
  }

  hasOtherThan(address: string): boolean {
    return this.learned.some((other) => other !== address) || this.seeds.some((other) => other !== address);
  }

  refused(address: string, nowMs: number, forMs: number): void {
    this.hasRefused = true;
    this.refusals.refused(address, nowMs, forMs);
  }

  /** When some address can be dialled that does not want to be left alone. */
  freeAtMs(nowMs: number): number {
    return this.refusals.freeAtMs([...this.learned, ...this.seeds], nowMs);
  }

  /** The next address to dial. `avoid`, the one just lost, comes last in a new round. */
  next(nowMs: number, avoid?: string): string | undefined {
    const isFree = (address: string): boolean => this.refusals.isFree(address, nowMs);
    if (!this.round.some(isFree)) this.round = this.newRound(avoid);
    const free = this.round.findIndex(isFree);
    return free < 0 ? this.round.shift() : this.round.splice(free, 1)[0];
  }

  /** The client is served, and begins a new round when it is not any more. */
  restart(): void {
    this.hasRefused = false;
    this.round = [];
  }

  private newRound(avoid: string | undefined): string[] {
    const isOther = (address: string): boolean => address !== avoid;
    const learned = this.shuffled(this.learned.filter(isOther));
    const seeds = this.shuffled(
      [...new Set(this.seeds)].filter((each) => isOther(each) && !this.learned.includes(each)),
    );
    const round: string[] = [];
    while (learned.length > 0 || seeds.length > 0) {
      round.push(...learned.splice(0, SEED_EVERY - 1));
      round.push(...seeds.splice(0, learned.length > 0 ? 1 : seeds.length));
    }
    if (avoid !== undefined && (this.learned.includes(avoid) || this.seeds.includes(avoid))) round.push(avoid);
    return round;
  }

  private shuffled(addresses: string[]): string[] {
    for (let i = addresses.length - 1; i > 0; i--) {
      const j = Math.floor(this.random() * (i + 1));
      [addresses[i], addresses[j]] = [addresses[j] as string, addresses[i] as string];
    }
    return addresses;
  }
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && value.length < 300 && /^.+:\d{1,5}$/.test(value);
}
