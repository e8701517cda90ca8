import { LIMITS, type RoutingTable } from '#model';
import type { SessionContext } from './context.js';
import type { ConnectionId } from './contract.js';
import { TELL_CLIENTS, TELL_EVERY_MS } from './limits.js';

/** Spreads below this are not worth telling anew. */
const WORTH_TELLING_MS = 100;
/**
 * Of a larger number clients hear so much later. While thousands return, each doubling of their number would be told to all who
 * have, and that, a fifth of what is written meanwhile, would keep the others waiting.
 */
const COUNTED_AFTER_MS = 2_000;

/**
 * What clients are told for the case that this server is lost: where others are, and over how long to spread, so that
 * all of them together do not run over those others.
 *
 * A spread never outlasts what waits for the clients (DESIGN: the grace is the largest spread told + 2 s at least): not the
 * grace of their connections here, to which it is cut, nor that of orphans, which the settings see to.
 */
export class Directions {
  private sessions: string[] = [];
  /** Of those whom clients are not told of, since they go. */
  private leaving: ReadonlySet<string> = new Set();
  private table: RoutingTable | undefined;
  private spreadMs = 0;
  /** Those who have not been told the latest. */
  private readonly untold = new Set<ConnectionId>();
  private isTelling = false;
  private isCounting = false;

  constructor(
    private readonly context: SessionContext,
    /** Connections that are up and have been welcomed. */
    private readonly served: () => Iterable<ConnectionId>,
    private readonly isServed: (connection: ConnectionId) => boolean,
  ) {}

  /** For a welcome. */
  current(): { sessions: string[]; reconnectSpreadMs: number } {
    return { sessions: this.sessions, reconnectSpreadMs: this.spreadMs };
  }

  /** How many other session servers there are to go to, if these go as well. */
  elsewhereThan(leaving: readonly string[]): number {
    const going = new Set([this.context.self.address, ...this.leaving, ...leaving]);
    return this.sessions.filter((address) => !going.has(address)).length;
  }

  takeTable(table: RoutingTable): void {
    this.table = table;
    this.refresh();
  }

  /** Clients are not told any more of those at these addresses, as long as there are others. */
  leave(addresses: Iterable<string>): void {
    this.leaving = new Set(addresses);
    this.refresh();
  }

  private refresh(): void {
    if (!this.table) return;
    const all = sessionsOf(this.table, this.context.self.address);
    const staying = all.filter((address) => !this.leaving.has(address));
    const sessions = staying.length > 0 ? staying : all;
    const isSame = sessions.length === this.sessions.length && sessions.every((each, i) => each === this.sessions[i]);
    if (isSame) return;
    this.sessions = sessions;
    this.tellAll();
  }

  /** There are so many clients now. Those who were told of half as many must hear of it, so each hears of it seldom. */
  counted(clients: number): void {
    const { spreadPerConnectionMs, reconnectSpreadMs, graceMs } = this.context.limits;
    const mostMs = Math.max(0, Math.min(reconnectSpreadMs, graceMs - LIMITS.clientReturnMs));
    const spreadMs = Math.min(mostMs, Math.ceil(clients * spreadPerConnectionMs));
    if (spreadMs === this.spreadMs) return;
    const isMuchMore = spreadMs >= WORTH_TELLING_MS && spreadMs >= 2 * this.spreadMs;
    const isMuchLess = 2 * spreadMs <= this.spreadMs;
    if (!isMuchMore && !isMuchLess) return;
    this.spreadMs = spreadMs;
    if (isMuchMore) this.tellAllLater();
  }

  private tellAllLater(): void {
    if (this.isCounting) return;
    this.isCounting = true;
    this.context.timers.at(this.context.nowMs + COUNTED_AFTER_MS, () => {
      this.isCounting = false;
      this.tellAll();
    });
  }

  private tellAll(): void {
    for (const connection of this.served()) this.untold.add(connection);
    if (this.untold.size > 0 && !this.isTelling) this.tellSome();
  }

  private tellSome(): void {
    let count = 0;
    const notice = { type: 'servers' as const, ...this.current() };
    for (const connection of this.untold) {
      if (count === TELL_CLIENTS) break;
      this.untold.delete(connection);
      if (!this.isServed(connection)) continue;
      count++;
      this.context.emit({ type: 'notice', connection, notice });
    }
    this.isTelling = this.untold.size > 0;
    if (this.isTelling) this.context.timers.at(this.context.nowMs + TELL_EVERY_MS, () => this.tellSome());
  }
}

/** Of very many the next ones in order, beginning with this server, so that different servers tell of different ones. */
function sessionsOf(table: RoutingTable, self: string): string[] {
  const all = table.members.filter((member) => member.role === 'session').map((member) => member.address);
  const sorted = [...new Set(all)].toSorted();
  const first = Math.max(0, sorted.indexOf(self));
  return [...sorted.slice(first), ...sorted.slice(0, first)].slice(0, LIMITS.sessionsTold);
}
