/**
 * What a simulation must have gone through to mean anything. A whole run in which one of them never happened has
 * tested less than it claims.
 */
export const EXERCISES = [
  ...['elections', 'leader changes', 'leaders deposed', 'transfers', 'joint configurations', 'membership changes'],
  ...['leaders removed', 'dead nodes replaced', 'learners promoted', 'snapshots taken', 'snapshots installed'],
  ...['snapshot chunks received', 'installations broken off by a crash', 'crashes', 'crashes inside writes'],
  ...['crashes between effects', 'unsynced writes lost', 'unsynced writes that survived', 'conflicts truncated'],
  ...['appends acknowledged', 'reads', 'reads refused', 'retries', 'duplicates suppressed', 'operations given up'],
  ...['messages lost', 'messages duplicated', 'messages reordered', 'partitions', 'one-way partitions', 'pauses'],
] as const;

export type Exercise = (typeof EXERCISES)[number];

export class Exercised {
  private readonly counts = new Map<Exercise, number>(EXERCISES.map((each) => [each, 0]));

  count(exercise: Exercise, times = 1): void {
    this.counts.set(exercise, this.counts.get(exercise)! + times);
  }

  add(other: Exercised): void {
    for (const [exercise, times] of other.counts) this.count(exercise, times);
  }

  get missing(): Exercise[] {
    return EXERCISES.filter((each) => this.counts.get(each) === 0);
  }

  toString(): string {
    return EXERCISES.map((each) => `${each} ${this.counts.get(each)}`).join(', ');
  }
}
