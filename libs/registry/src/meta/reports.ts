/** Who has been reported by whom with the last heartbeat; see `unreconciled` of the heartbeat. */
export class Reports {
  private readonly lastOf = new Map<string, ReadonlySet<string>>();

  /** @returns those that this reporter names for the second heartbeat in a row */
  note(reporter: string, named: string[]): string[] {
    const last = this.lastOf.get(reporter);
    if (named.length === 0) this.lastOf.delete(reporter);
    else this.lastOf.set(reporter, new Set(named));
    return last ? named.filter((incarnation) => last.has(incarnation)) : [];
  }

  forget(reporter: string): void {
    this.lastOf.delete(reporter);
  }

  clear(): void {
    this.lastOf.clear();
  }
}
