/** Something that one seed drives from beginning to end, and that throws where it breaks a promise. */
export interface Simulation {
  readonly name: string;
  /** What a run of many seeds must come across to mean anything. */
  readonly exercises: readonly string[];
  /** Those that tell most about a run while it lasts. */
  readonly headline: readonly string[];
  /** Fewer seeds need not come across everything. */
  readonly enoughSeeds: number;
  /**
   * @param trace is told what happens, line by line
   * @throws Error that says what is wrong and what had happened before
   */
  run(seed: number, trace?: (line: string) => void): SeedRun;
}

export interface SeedRun {
  /** Of everything that happened: equal for equal runs. */
  fingerprint: string;
  /** How often it came across what. */
  exercised: Record<string, number>;
}

/** What several seeds came across. */
export class Tally {
  private readonly counts = new Map<string, number>();

  add(exercised: Record<string, number>): void {
    for (const [what, times] of Object.entries(exercised)) this.counts.set(what, this.of(what) + times);
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  missing({ exercises }: Simulation): string[] {
    return exercises.filter((what) => this.of(what) === 0);
  }

  describe(whats: readonly string[]): string {
    return whats.map((what) => `${what} ${this.of(what).toLocaleString('en')}`).join(', ');
  }
}
