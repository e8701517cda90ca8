/** What a watcher is given: a change, or everything where the changes in between are no longer kept. */
export type FeedItem<Command, State> = { index: number } & ({ change: Command } | { snapshot: State });

/** A watcher's position, for those who cannot wait by promises. */
export interface FeedReader<Command, State> {
  /** The next item, if there is one by now. */
  take(): FeedItem<Command, State> | undefined;
  /** Runs `run` once, when there is more or the feed has ended; or at once, when the answer is called. */
  whenMore(run: () => void): () => void;
}

/**
 * The recent changes, for watchers. A watcher is a position in them and nothing else, so that any number of slow ones
 * cost nothing: one that falls behind what is kept goes on from a snapshot.
 */
export class Feed<Command, State> {
  private readonly recent: { index: number; change: Command }[] = [];
  /** Position of `recent[0]`. Positions count changes; indices have gaps. */
  private firstPosition = 0;
  /** Changes after this index are kept. */
  private keptAfter: number;
  private end: { error?: Error } | undefined;
  private readonly waiting = new Set<() => void>();

  constructor(
    private index: number,
    private state: State,
    private readonly backlog: number,
  ) {
    this.keptAfter = index;
  }

  /** A change that has been applied. `state` is the one it led to. */
  push(index: number, change: Command, state: State): void {
    this.index = index;
    this.state = state;
    this.recent.push({ index, change });
    // Dropped by half, so that each change is moved once at most.
    if (this.recent.length > this.backlog * 2) {
      const dropped = this.recent.splice(0, this.recent.length - this.backlog);
      this.firstPosition += dropped.length;
      this.keptAfter = dropped.at(-1)!.index;
    }
    this.wake();
  }

  /** The state has become another without the changes in between: every watcher goes on from a snapshot. */
  jump(index: number, state: State): void {
    this.index = index;
    this.state = state;
    // One more than there were, so that a watcher that had seen everything is behind, too.
    this.firstPosition += this.recent.length + 1;
    this.recent.length = 0;
    this.keptAfter = index;
    this.wake();
  }

  /** Ends every watcher once it has been given what was pushed, with the error if there is one. */
  stop(error?: Error): void {
    if (this.end) return;
    this.end = error ? { error } : {};
    this.wake();
  }

  watch(afterIndex: number): AsyncIterable<FeedItem<Command, State>> {
    return { [Symbol.asyncIterator]: () => this.iterate(afterIndex) };
  }

  reader(afterIndex: number): FeedReader<Command, State> {
    // An index still to come is from another history: nothing follows from it.
    let position = afterIndex < this.keptAfter || afterIndex > this.index ? -1 : this.positionAfter(afterIndex);
    return {
      take: () => {
        if (position < this.firstPosition) {
          position = this.firstPosition + this.recent.length;
          return { index: this.index, snapshot: this.state };
        }
        const item = this.recent[position - this.firstPosition];
        if (item) position++;
        return item;
      },
      whenMore: (run) => {
        const waker = (): void => {
          this.waiting.delete(waker);
          run();
        };
        this.waiting.add(waker);
        return waker;
      },
    };
  }

  private iterate(afterIndex: number): AsyncIterator<FeedItem<Command, State>> {
    const reader = this.reader(afterIndex);
    let ended = false;
    const wakers = new Set<() => void>();
    const done = { done: true, value: undefined } as const;
    const next = async (): Promise<IteratorResult<FeedItem<Command, State>>> => {
      for (;;) {
        if (ended) return done;
        const item = reader.take();
        if (item) return { done: false, value: item };
        if (this.end) {
          ended = true;
          if (this.end.error) throw this.end.error;
          return done;
        }
        await new Promise<void>((resolve) => {
          const wake = reader.whenMore(() => {
            wakers.delete(wake);
            resolve();
          });
          wakers.add(wake);
        });
      }
    };
    return {
      next,
      return: () => {
        ended = true;
        for (const wake of wakers) wake();
        return Promise.resolve(done);
      },
    };
  }

  /** The position of the first change with an index beyond `afterIndex`. */
  private positionAfter(afterIndex: number): number {
    let low = 0;
    let high = this.recent.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.recent[middle]!.index <= afterIndex) low = middle + 1;
      else high = middle;
    }
    return this.firstPosition + low;
  }

  private wake(): void {
    for (const waker of this.waiting) waker();
  }
}
