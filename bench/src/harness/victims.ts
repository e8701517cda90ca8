/** Who is killed next: of those that are meant, the one that was killed longest ago, so that clients have come to it since. */
export class Victims {
  private readonly killedAt = new Map<string, number>();
  private kills = 0;

  /** Throws when there is nobody. */
  next(names: readonly string[]): string {
    const [first] = names.toSorted((a, b) => (this.killedAt.get(a) ?? 0) - (this.killedAt.get(b) ?? 0));
    if (first === undefined) throw new Error('There is no such server.');
    this.killedAt.set(first, ++this.kills);
    return first;
  }
}
