/** One thing to be done at a virtual time. */
interface Entry {
  atMs: number;
  /** Insertion order: what is due at the same time happens in the order in which it was asked for. */
  order: number;
  run: (() => void) | undefined;
}

/** More events than this in one millisecond is a livelock in the code under test, not a busy moment. */
const MAX_EVENTS_PER_MS = 100_000;

/**
 * Virtual time: nothing happens between two events, so an hour of a calm cluster costs what its events cost. A binary
 * heap ordered by (time, insertion), which is what makes a run repeatable.
 */
export class VirtualClock {
  private heap: Entry[] = [];
  private inserted = 0;
  private time = 0;
  private busy = { sinceMs: 0, events: 0 };

  nowMs(): number {
    return this.time;
  }

  /** Runs `run` at `ms`, or as soon as possible when that has passed. The answer cancels it. */
  at(ms: number, run: () => void): () => void {
    const entry: Entry = { atMs: Math.max(ms, this.time), order: this.inserted++, run };
    this.push(entry);
    return () => {
      entry.run = undefined;
    };
  }

  /** Runs the next event if it is due by `untilMs`; false when there is none. */
  next(untilMs = Infinity): boolean {
    for (;;) {
      const entry = this.heap[0];
      if (!entry || entry.atMs > untilMs) return false;
      this.pop();
      if (!entry.run) continue;
      this.time = entry.atMs;
      if (this.time > this.busy.sinceMs + 1) this.busy = { sinceMs: this.time, events: 0 };
      if (++this.busy.events > MAX_EVENTS_PER_MS)
        throw new Error(`Livelock: ${MAX_EVENTS_PER_MS} events within a millisecond, at ${this.time} ms.`);
      entry.run();
      return true;
    }
  }

  /** Runs everything due by `ms` and leaves the clock there. */
  runUntil(ms: number): void {
    while (this.next(ms));
    this.time = Math.max(this.time, ms);
  }

  private push(entry: Entry): void {
    const heap = this.heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  private pop(): void {
    const heap = this.heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
