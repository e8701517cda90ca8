/**
 * The session incarnations whose publications a new leader cannot know yet. Fixed at promotion and only shrinking:
 * later table changes never add to it, so completion comes nearer with every member that reconciles or is gone.
 */
export class WaitSet {
  private readonly waiting: Set<string>;

  constructor(
    readonly promotedAtMs: number,
    incarnations: Iterable<string>,
  ) {
    this.waiting = new Set(incarnations);
  }

  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  has(incarnation: string): boolean {
    return this.waiting.has(incarnation);
  }

  members(): string[] {
    return [...this.waiting];
  }

  reconciled(incarnation: string): void {
    this.waiting.delete(incarnation);
  }

  /** Lets go of members that are gone, as `isGone` says of an incarnation waited for since promotion. */
  release(isGone: (incarnation: string, sinceMs: number) => boolean): void {
    for (const incarnation of this.waiting) {
      if (isGone(incarnation, this.promotedAtMs)) this.waiting.delete(incarnation);
    }
  }

  /** Members waited for longer than `reportMs`. */
  overdue(nowMs: number, reportMs: number): string[] {
    return nowMs - this.promotedAtMs > reportMs ? this.members() : [];
  }
}
