/** A moment at which something is to be done. It can be called off. */
export interface Timer {
  atMs: number;
  run: ((nowMs: number) => void) | undefined;
}

/**
 * The moments a core waits for, as a binary heap. The core asks its host for one wake-up, at the earliest of them.
 * Moments of the same millisecond come in the order in which they were set, so that runs can be repeated.
 */
export class Timers {
  private readonly heap: (Timer & { order: number })[] = [];
  private order = 0;

  at(atMs: number, run: (nowMs: number) => void): Timer {
    const timer = { atMs, run, order: this.order++ };
    this.heap.push(timer);
    this.rise(this.heap.length - 1);
    return timer;
  }

  cancel(timer: Timer | undefined): void {
    if (timer) timer.run = undefined;
  }

  get nextAtMs(): number | undefined {
    while (this.heap.length > 0 && this.heap[0]!.run === undefined) this.pop();
    return this.heap[0]?.atMs;
  }

  /** Runs what is due. What that sets for `nowMs` or earlier runs too. */
  runDue(nowMs: number): void {
    while (this.heap.length > 0 && this.heap[0]!.atMs <= nowMs) this.pop().run?.(nowMs);
  }

  private pop(): Timer {
    const top = this.heap[0]!;
    const last = this.heap.pop()!;
    if (this.heap.length > 0) {
      this.heap[0] = last;
      this.sink(0);
    }
    return top;
  }

  private isEarlier(a: number, b: number): boolean {
    const [x, y] = [this.heap[a]!, this.heap[b]!];
    return x.atMs < y.atMs || (x.atMs === y.atMs && x.order < y.order);
  }

  private swap(a: number, b: number): void {
    const timer = this.heap[a]!;
    this.heap[a] = this.heap[b]!;
    this.heap[b] = timer;
  }

  private rise(index: number): void {
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.isEarlier(index, parent)) return;
      this.swap(index, parent);
      index = parent;
    }
  }

  private sink(index: number): void {
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let first = index;
      if (left < this.heap.length && this.isEarlier(left, first)) first = left;
      if (right < this.heap.length && this.isEarlier(right, first)) first = right;
      if (first === index) return;
      this.swap(index, first);
      index = first;
    }
  }
}
