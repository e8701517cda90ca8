import type { LinkId } from '#model';

/** The links over which other data servers follow what is led here, with their incarnations. */
export class FollowerLinks {
  private readonly followers = new Map<LinkId, { incarnation: string; heardAtMs: number }>();

  linkUp(nowMs: number, link: LinkId, incarnation: string): void {
    this.followers.set(link, { incarnation, heardAtMs: nowMs });
  }

  /** False for a link that is none of a follower. */
  drop(link: LinkId): boolean {
    return this.followers.delete(link);
  }

  /** @returns the incarnation whose link it is; undefined where it is none of a follower */
  heard(nowMs: number, link: LinkId): string | undefined {
    const follower = this.followers.get(link);
    if (follower) follower.heardAtMs = nowMs;
    return follower?.incarnation;
  }

  /**
   * Those from which nothing came for that long since they were heard, or since this process was back from a pause.
   * @param readUntilMs see `Core`
   */
  idle(readUntilMs: number, idleMs: number, resumedAtMs: number): LinkId[] {
    return [...this.followers].flatMap(([link, { heardAtMs }]) =>
      readUntilMs - Math.max(heardAtMs, resumedAtMs) > idleMs ? [link] : [],
    );
  }
}
