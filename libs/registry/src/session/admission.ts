import { type Failure, failure } from '#model';
import type { SessionContext } from './context.js';
import type { RefusalReason } from './contract.js';
import { ADDRESS_RETRY_MS, DRAINING_RETRY_MS, OVERLOADED_RETRY_MS, TURN_MOST_MS } from './limits.js';

/** What decides whether a client is let in, beside how many there are. */
export interface Newcomer {
  address: string;
  /** It was refused before, and comes when it was told to. */
  hasWaited: boolean;
}

/**
 * Lets clients in: as many as the server takes, in all and from one address, and so many in a second, since each brings
 * what it has published and asks for what it subscribes to. As many as come in a second may come at once. Who is refused for
 * its haste is given a turn, so that all come back spread over the time that it takes to let them in; and who comes at its
 * turn goes before who comes for the first time, so that nobody waits without end.
 */
export class Admission {
  readonly refused: Record<RefusalReason, number> = { draining: 0, full: 0, address: 0, rate: 0 };
  count = 0;
  private readonly perAddress = new Map<string, number>();
  /** Who can be let in at once. */
  private places: number;
  private countedAtMs = 0;
  /** The last turn that was given. */
  private turnMs = 0;

  constructor(
    private readonly context: SessionContext,
    private readonly isDraining: () => boolean,
  ) {
    this.places = context.limits.admissionsPerSecond;
  }

  /** How long those who have been given a turn need to come. */
  get backlogMs(): number {
    return Math.max(0, this.turnMs - this.context.nowMs);
  }

  admit(newcomer: Newcomer): Failure | undefined {
    const { address } = newcomer;
    const { maxConnections, maxConnectionsPerAddress } = this.context.limits;
    if (this.isDraining()) return this.refuse('draining', DRAINING_RETRY_MS);
    if (this.count >= maxConnections) return this.refuse('full', OVERLOADED_RETRY_MS);
    const fromAddress = this.perAddress.get(address) ?? 0;
    if (fromAddress >= maxConnectionsPerAddress) return this.refuse('address', ADDRESS_RETRY_MS);
    if (!this.takePlace(newcomer)) return this.refuse('rate', this.giveTurn());
    this.count++;
    this.perAddress.set(address, fromAddress + 1);
    return undefined;
  }

  left(address: string): void {
    this.count--;
    const others = this.perAddress.get(address)! - 1;
    if (others > 0) this.perAddress.set(address, others);
    else this.perAddress.delete(address);
  }

  private takePlace({ hasWaited }: Newcomer): boolean {
    const { nowMs, limits } = this.context;
    const perMs = limits.admissionsPerSecond / 1_000;
    this.places = Math.min(limits.admissionsPerSecond, this.places + (nowMs - this.countedAtMs) * perMs);
    this.countedAtMs = nowMs;
    const isTaken = hasWaited ? 0 : this.backlogMs * perMs;
    if (this.places < 1 + isTaken) return false;
    this.places--;
    return true;
  }

  /** Behind all turns given; where those are very many, at some time among the last of them. */
  private giveTurn(): number {
    const { nowMs, limits, random } = this.context;
    const turnMs = Math.max(nowMs, this.turnMs) + 1_000 / limits.admissionsPerSecond;
    if (turnMs - nowMs > TURN_MOST_MS) return Math.ceil(TURN_MOST_MS * (1 - random() / 2));
    this.turnMs = turnMs;
    return Math.ceil(turnMs - nowMs);
  }

  private refuse(reason: RefusalReason, retryAfterMs: number): Failure {
    this.refused[reason]++;
    const [code, message] = REFUSALS[reason];
    return failure(code, message, { retryAfterMs });
  }
}

const REFUSALS = {
  draining: ['SHUTTING_DOWN', 'The server is drained: others take its clients.'],
  full: ['OVERLOADED', 'The server has all the clients that it takes.'],
  address: ['TOO_MANY_CONNECTIONS', undefined],
  rate: ['OVERLOADED', 'More clients come than are let in at a time.'],
} as const;
