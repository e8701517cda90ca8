/** The way of one change to this server, by its clock. */
export interface Passage {
  /** When a session server took the publication; undefined where the clocks in between are not known. */
  readonly acceptedAtMs: number | undefined;
  /** When it was heard of here. */
  readonly arrivedAtMs: number;
}

interface Step {
  /** Of the content of the view from which on it is part of it. */
  serial: number;
  passage: Passage;
}

const STEPS_MOST = 64;
/** So much of their age may lie between two steps that are told as one. */
const PRECISION = 1 / 4;
/** What is older is told as being older than this, and not by how much. */
const REMEMBERED_MS = 60_000;

/**
 * How the latest contents of a view came about, so that a push can be told by the oldest change that it brings: the one that
 * has waited longest for it. The latest steps are known exactly. Of those before, the more there are the older they are, the
 * older of two stands for both, so that what is remembered is bounded and a push is at most told to have taken somewhat
 * longer than it did.
 */
export class Passages {
  private steps: Step[] = [];

  add(serial: number, passage: Passage): void {
    this.steps.push({ serial, passage });
    if (this.steps.length > STEPS_MOST) this.thin(passage.arrivedAtMs);
  }

  /** Of the first change that whoever holds the content of that serial lacks. */
  after(serial: number): Passage | undefined {
    const { steps } = this;
    let i = steps.length;
    while (i > 0 && steps[i - 1]!.serial > serial) i--;
    return steps[i]?.passage;
  }

  private thin(nowMs: number): void {
    const kept: Step[] = [];
    const ageOf = ({ passage }: Step): number => nowMs - passage.arrivedAtMs;
    for (const step of this.steps) {
      const older = kept.at(-1);
      if (older && ageOf(step) > REMEMBERED_MS) kept[kept.length - 1] = step;
      else if (older && ageOf(older) - ageOf(step) <= ageOf(older) * PRECISION) older.serial = step.serial;
      else kept.push(step);
    }
    this.steps = kept.slice(-STEPS_MOST);
  }
}
