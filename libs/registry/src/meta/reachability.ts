import type { Member } from '#model';
import { Reports } from './reports.js';

/** So long must meta have heard a data server without a gap, so that the silence the others report is not its own. */
const HEARD_MS = 2_000;
/** A data server is given slots again when so long nobody has called it unreachable: a network that flaps moves nothing. */
const BARRED_MS = 10_000;

/**
 * Data servers that heartbeat to meta and that most session servers cannot reach. They are no less members for that, but
 * what they lead can be neither written nor read, so they are to lead nothing while it lasts. Kept by the leader alone,
 * since the reports come with every heartbeat; the next one hears them all before it moves anything for balance.
 */
export class Reachability {
  /** Replaced, never changed, when it becomes another. */
  barred: ReadonlySet<string> = new Set();
  private readonly reports = new Reports();
  /** Whom each session server has named in two heartbeats in a row; in one, the stall may have been its own. */
  private readonly standing = new Map<string, string[]>();
  private readonly heard = new Map<string, { sinceMs: number; atMs: number }>();
  private readonly barredUntilMs = new Map<string, number>();

  constructor(private readonly heartbeatMs: number) {}

  clear(): void {
    this.barred = new Set();
    this.reports.clear();
    this.standing.clear();
    this.heard.clear();
    this.barredUntilMs.clear();
  }

  forget(incarnation: string): void {
    this.reports.forget(incarnation);
    this.standing.delete(incarnation);
    this.heard.delete(incarnation);
    this.barredUntilMs.delete(incarnation);
  }

  /** A member has sent a heartbeat, which names those it cannot reach. */
  heartbeat(nowMs: number, incarnation: string, unreachable: string[]): void {
    const { sinceMs, atMs } = this.heard.get(incarnation) ?? { sinceMs: nowMs, atMs: nowMs };
    const isGap = nowMs - atMs > 2 * this.heartbeatMs;
    this.heard.set(incarnation, { sinceMs: isGap ? nowMs : sinceMs, atMs: nowMs });
    this.standing.set(incarnation, this.reports.note(incarnation, unreachable));
  }

  /** Data servers that more than half of the session servers cannot reach. */
  cutOff(members: Member[]): string[] {
    const sessions = members.filter(({ role }) => role === 'session');
    const reporters = new Map<string, number>();
    for (const { incarnation } of sessions)
      for (const named of new Set(this.standing.get(incarnation)))
        reporters.set(named, (reporters.get(named) ?? 0) + 1);
    return members.flatMap(({ role, incarnation }) =>
      role === 'data' && 2 * (reporters.get(incarnation) ?? 0) > sessions.length ? [incarnation] : [],
    );
  }

  /** Brings `barred` up to date. */
  update(nowMs: number, members: Member[]): void {
    for (const incarnation of this.cutOff(members)) {
      if (this.barredUntilMs.has(incarnation) || this.isHeard(nowMs, incarnation))
        this.barredUntilMs.set(incarnation, nowMs + BARRED_MS);
    }
    for (const [incarnation, untilMs] of this.barredUntilMs)
      if (untilMs <= nowMs) this.barredUntilMs.delete(incarnation);
    const { barred, barredUntilMs } = this;
    const isSame = barred.size === barredUntilMs.size && [...barred].every((each) => barredUntilMs.has(each));
    if (!isSame) this.barred = new Set(barredUntilMs.keys());
  }

  private isHeard(nowMs: number, incarnation: string): boolean {
    const heard = this.heard.get(incarnation);
    return heard !== undefined && nowMs - heard.sinceMs >= HEARD_MS && nowMs - heard.atMs <= 2 * this.heartbeatMs;
  }
}
