/** An async iterator over the latest value: a consumer slower than its source skips what was replaced meanwhile. */
export class LatestIterator<T> implements AsyncIterableIterator<T, undefined> {
  private latest: { value: T } | undefined;
  private ended = false;
  private readonly waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];

  constructor(private readonly onEnd: (iterator: LatestIterator<T>) => void) {}

  offer(value: T): void {
    const consumer = this.waiting.shift();
    if (consumer) consumer({ done: false, value });
    else if (!this.ended) this.latest = { value };
  }

  /** What has not been taken yet can still be taken; then the iteration is over. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const consumer of this.waiting.splice(0)) consumer({ done: true, value: undefined });
    this.onEnd(this);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const latest = this.latest;
    if (latest) {
      this.latest = undefined;
      return Promise.resolve({ done: false, value: latest.value });
    }
    if (this.ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.latest = undefined;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
