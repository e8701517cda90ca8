import type { Member } from '#model';

/** A member is reported as suspect no more often than this. */
const EVERY_MS = 250;

/** When each member of the table was last reported as suspect. */
export class Suspects {
  private readonly reportedAtMs = new Map<string, number>();

  /** Whether the member is to be reported now, which is noted. Others than members are nobody's concern. */
  isDue(nowMs: number, incarnation: string, members: Member[] = []): boolean {
    const { reportedAtMs } = this;
    if (nowMs - (reportedAtMs.get(incarnation) ?? -Infinity) < EVERY_MS) return false;
    const known = new Set(members.map((member) => member.incarnation));
    if (!known.has(incarnation)) return false;
    for (const reported of reportedAtMs.keys()) if (!known.has(reported)) reportedAtMs.delete(reported);
    reportedAtMs.set(incarnation, nowMs);
    return true;
  }
}
