import type { KeptPublication } from './memory/kept-publication.js';

interface Lease {
  publication: KeptPublication;
  deadlineMs: number;
  /** Where it stands in the heap. */
  index: number;
}

/**
 * The deadlines of leased publications: a binary heap whose entries know their place, so that a renewal moves an entry
 * and leaves nothing behind, however often it comes.
 */
export class Leases {
  private readonly byPublication = new Map<KeptPublication, Lease>();
  private readonly heap: Lease[] = [];

  get size(): number {
    return this.heap.length;
  }

  get nextDeadlineMs(): number | undefined {
    return this.heap[0]?.deadlineMs;
  }

  deadlineMs(publication: KeptPublication): number | undefined {
    return this.byPublication.get(publication)?.deadlineMs;
  }

  /** Sets the deadline, whether or not the publication had one. */
  set(publication: KeptPublication, deadlineMs: number): void {
    let lease = this.byPublication.get(publication);
    if (lease) lease.deadlineMs = deadlineMs;
    else {
      lease = { publication, deadlineMs, index: this.heap.length };
      this.byPublication.set(publication, lease);
      this.heap.push(lease);
    }
    this.settle(lease);
  }

  delete(publication: KeptPublication): void {
    const lease = this.byPublication.get(publication);
    if (!lease) return;
    this.byPublication.delete(publication);
    const last = this.heap.pop()!;
    if (last === lease) return;
    last.index = lease.index;
    this.heap[last.index] = last;
    this.settle(last);
  }

  /** The publication whose deadline is the earliest, if that deadline has come. */
  due(nowMs: number): KeptPublication | undefined {
    const first = this.heap[0];
    return first && first.deadlineMs <= nowMs ? first.publication : undefined;
  }

  private settle(lease: Lease): void {
    const { heap } = this;
    let { index } = lease;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1]!;
      if (parent.deadlineMs <= lease.deadlineMs) break;
      this.place(parent, index);
      index = (index - 1) >> 1;
    }
    for (;;) {
      let child = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      if (child && right && right.deadlineMs < child.deadlineMs) child = right;
      if (!child || child.deadlineMs >= lease.deadlineMs) break;
      const from = child.index;
      this.place(child, index);
      index = from;
    }
    this.place(lease, index);
  }

  private place(lease: Lease, index: number): void {
    this.heap[index] = lease;
    lease.index = index;
  }
}
