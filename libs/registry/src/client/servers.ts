import type { Random } from '#model';
import { SESSIONS_MAX } from './limits.js';

/**
 * The session servers a client may dial: its seeds and those a welcome named. They are tried in rounds, each in a new
 * random order, so that every address gets its turn and the clients of a lost server spread over the others.
 */
export class ServerList {
  private learned: string[] = [];
  private round: string[] = [];

  constructor(
    private readonly seeds: readonly string[],
    private readonly random: Random,
  ) {}

  learn(sessions: unknown): void {
    if (!Array.isArray(sessions)) return;
    this.learned = sessions.filter(isAddress).slice(0, SESSIONS_MAX);
    this.round = [];
  }

  /** Back to the seeds alone: what was learned belongs to another cluster. */
  forget(): void {
    this.learned = [];
    this.round = [];
  }

  hasOtherThan(address: string): boolean {
    return this.all().some((other) => other !== address);
  }

  /** The next address to dial. `avoid`, the one just lost, comes last in a new round. */
  next(avoid?: string): string | undefined {
    if (this.round.length === 0) {
      this.round = this.shuffled().filter((address) => address !== avoid);
      if (avoid !== undefined && this.all().includes(avoid)) this.round.push(avoid);
    }
    return this.round.shift();
  }

  /** The next `next` begins a new round. */
  restart(): void {
    this.round = [];
  }

  private all(): string[] {
    return [...new Set([...this.learned, ...this.seeds])];
  }

  private shuffled(): string[] {
    const addresses = this.all();
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
