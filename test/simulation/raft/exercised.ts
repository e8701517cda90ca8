/**
 * What a simulation must have gone through to mean anything. A whole run in which one of them never happened has
 * tested less than it claims.
 */
export const EXERCISES = [
  ...['elections', 'leader changes', 'leaders deposed', 'transfers', 'joint configurations', 'membership changes'],
  ...['leaders removed', 'dead nodes replaced', 'learners promoted', 'snapshots taken', 'snapshots installed'],
  ...['snapshot chunks received', 'installations broken off by a crash', 'crashes', 'crashes inside writes'],
  ...['crashes between effects', 'unsynced writes lost', 'unsynced writes that survived', 'failed writes'],
  ...['conflicts truncated', 'appends acknowledged', 'reads', 'reads refused', 'retries', 'duplicates suppressed'],
  ...['operations given up', 'messages lost', 'messages duplicated', 'messages reordered', 'partitions'],
  ...['one-way partitions', 'pauses'],
] as const;

export type Exercise = (typeof EXERCISES)[number];

export class Exercised {
  readonly counts = Object.fromEntries(EXERCISES.map((each) => [each, 0])) as Record<Exercise, number>;

  count(exercise: Exercise, times = 1): void {
    this.counts[exercise] += times;
  }
}
