import type { HashSum } from '../content-hash.js';
import { isSameHash } from '../view-hash.js';

/** Publications that came, changed or left, with the hash each had before; undefined where it was not there. */
export type Touched = ReadonlyMap<string, HashSum | undefined>;

interface Step {
  /** Of the whole view, before. */
  readonly hash: HashSum;
  readonly touched: Touched;
}

/**
 * The latest changes of the content of a view, so that whoever holds a former content can be told what differs. What is
 * kept are names: what those publications are now, the view knows. Contents are counted by `serial`, and found again by
 * their hash, since a subscriber that comes from another session server knows no serial of this one.
 */
export class ViewHistory {
  /** Of the present content. */
  serial = 0;
  private steps: Step[] = [];
  private size = 0;

  /** @param mostTouched how many names are kept; beyond some number the whole would be no more to tell */
  record(hash: HashSum, touched: Touched, mostTouched: number): void {
    this.serial++;
    this.steps.push({ hash, touched });
    this.size += touched.size;
    if (this.size <= mostTouched && touched.size <= mostTouched / 2) return;
    // Half of them go, since what is taken off the front moves all the others; all, where one step is as much.
    let gone = 0;
    while (this.size > mostTouched / 2) this.size -= this.steps[gone++]!.touched.size;
    this.steps = this.steps.slice(gone);
  }

  /** What has been touched since the content of that serial; undefined when that is too long ago. */
  since(serial: number): Touched | undefined {
    const first = this.steps.length - (this.serial - serial);
    if (serial > this.serial || first < 0) return undefined;
    if (first === this.steps.length - 1) return this.steps[first]!.touched;
    const touched = new Map<string, HashSum | undefined>();
    for (const step of this.steps.slice(first))
      for (const [registerId, was] of step.touched) if (!touched.has(registerId)) touched.set(registerId, was);
    return touched;
  }

  /** The latest former content with this hash. */
  serialOf(hash: HashSum): number | undefined {
    for (let i = this.steps.length - 1; i >= 0; i--)
      if (isSameHash(this.steps[i]!.hash, hash)) return this.serial - this.steps.length + i;
    return undefined;
  }
}
