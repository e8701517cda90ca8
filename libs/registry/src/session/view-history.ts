import type { HashSum } from '../content-hash.js';

/** Publications that came, changed or left, with the hash each had before; undefined where it was not there. */
export type Touched = ReadonlyMap<string, HashSum | undefined>;

/**
 * The latest changes of the content of a view, so that whoever holds a former content can be told what differs. What is
 * kept are names: what those publications are now, the view knows. Contents are counted by `serial`, and found again by
 * their hash, since a subscriber that comes from another session server knows no serial of this one.
 */
export class ViewHistory {
  /** Of the present content. */
  serial = 0;
  // A view has as many of them as publications, so they are no objects, which the garbage collector would look at one by one.
  /** Of each step the hash of the whole view before, in two halves, and where its names begin. */
  private readonly steps = { high: [] as number[], low: [] as number[], from: [] as number[] };
  /** Of each name the hash that the publication had before, in two halves. */
  private readonly names = { registerId: [] as string[], high: [] as (number | undefined)[], low: [] as number[] };

  /** @param mostTouched how many names are kept; beyond some number the whole would be no more to tell */
  record(hash: HashSum, touched: Touched, mostTouched: number): void {
    const { steps, names } = this;
    this.serial++;
    steps.high.push(hash.high);
    steps.low.push(hash.low);
    steps.from.push(names.registerId.length);
    for (const [registerId, was] of touched) {
      names.registerId.push(registerId);
      names.high.push(was?.high);
      names.low.push(was?.low ?? 0);
    }
    if (names.registerId.length <= mostTouched && touched.size <= mostTouched / 2) return;
    // Half of them go, since what is taken off the front moves all the others; all, where one step is as much.
    let gone = 0;
    while (names.registerId.length - this.fromOf(gone) > mostTouched / 2) gone++;
    this.forget(gone);
  }

  /** What has been touched since the content of that serial; undefined when that is too long ago. */
  since(serial: number): Touched | undefined {
    const { steps, names } = this;
    const first = steps.from.length - (this.serial - serial);
    if (serial > this.serial || first < 0) return undefined;
    const touched = new Map<string, HashSum | undefined>();
    for (let at = this.fromOf(first); at < names.registerId.length; at++) {
      const registerId = names.registerId[at]!;
      const high = names.high[at];
      if (!touched.has(registerId))
        touched.set(registerId, high === undefined ? undefined : { high, low: names.low[at]! });
    }
    return touched;
  }

  /** The latest former content with this hash. */
  serialOf({ high, low }: HashSum): number | undefined {
    const { steps } = this;
    for (let i = steps.from.length - 1; i >= 0; i--)
      if (steps.high[i] === high && steps.low[i] === low) return this.serial - steps.from.length + i;
    return undefined;
  }

  /** Where the names of a step begin; of the one after the last, where they end. */
  private fromOf(step: number): number {
    return this.steps.from[step] ?? this.names.registerId.length;
  }

  private forget(gone: number): void {
    const { steps, names } = this;
    const from = this.fromOf(gone);
    for (const list of [steps.high, steps.low, steps.from]) list.splice(0, gone);
    for (const list of [names.registerId, names.high, names.low]) list.splice(0, from);
    steps.from = steps.from.map((at) => at - from);
  }
}
