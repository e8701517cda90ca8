import { type Place, comparePlaces } from './place.js';

export interface Placed<Entry> {
  place: Place;
  entry: Entry;
}

/** Of all that it is offered, in any order, those that stand first, a limited number of them. */
export class Nearest<Entry> {
  private kept: Placed<Entry>[] = [];
  /** Once there are enough: what stands behind it is not among them. */
  private bar: Place | undefined;
  private hasMore = false;

  constructor(private readonly limit: number) {}

  offer(place: Place, entry: Entry): void {
    if (this.bar && comparePlaces(place, this.bar) > 0) {
      this.hasMore = true;
      return;
    }
    this.kept.push({ place, entry });
    if (this.kept.length >= 2 * this.limit) this.cut();
  }

  /** In order. `end` is where the last stands, if there are more behind it. */
  take(): { placed: Placed<Entry>[]; end: Place | undefined } {
    this.cut();
    const end = this.hasMore ? this.kept.at(-1)?.place : undefined;
    return { placed: this.kept, end };
  }

  /** What was taken away and put back while others had a turn is met twice, and what is there now counts. */
  private cut(): void {
    const sorted = this.kept.toSorted((a, b) => comparePlaces(a.place, b.place));
    this.kept = sorted.filter(
      ({ place }, at) => at + 1 === sorted.length || comparePlaces(place, sorted[at + 1]!.place),
    );
    if (this.kept.length < this.limit) return;
    this.hasMore ||= this.kept.length > this.limit;
    this.kept.length = this.limit;
    this.bar = this.kept.at(-1)!.place;
  }
}
