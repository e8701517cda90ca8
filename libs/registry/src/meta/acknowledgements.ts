import type { LinkId } from '#model';
import type { MetaContext } from './context.js';
import type { MemberLinks } from './links.js';

/** A heartbeat to be acknowledged. */
interface Waiting {
  link: LinkId;
  sequence: number;
}

/**
 * The acknowledgements of heartbeats. Each says what is committed and is taken for a read that is not older than its
 * heartbeat; a leader that was deposed does not know it, above all when it was paused, so every acknowledgement waits
 * until the group has confirmed that this node leads. Those that come while that is under way share the next one.
 */
export class Acknowledgements {
  private waiting: Waiting[] = [];
  private confirming: Waiting[] | undefined;
  private lastNumber = 0;

  constructor(
    private readonly context: MetaContext,
    private readonly links: MemberLinks,
  ) {}

  heard(link: LinkId, sequence: number): void {
    this.waiting.push({ link, sequence });
    this.ask();
  }

  /** @param tableEpoch what was committed when the group confirmed it; undefined where it did not */
  confirmed(nowMs: number, number: number, tableEpoch: number | undefined): void {
    // One asked for in an earlier leadership says nothing.
    if (number !== this.lastNumber || !this.confirming) return;
    const due = this.confirming;
    this.confirming = undefined;
    const settled = this.context.isSettled(nowMs);
    if (tableEpoch !== undefined)
      for (const { link, sequence } of due)
        this.links.send(link, { kind: 'heartbeatAck', sequence, tableEpoch, settled });
    this.ask();
  }

  linkDown(link: LinkId): void {
    this.waiting = this.waiting.filter((each) => each.link !== link);
    this.confirming = this.confirming?.filter((each) => each.link !== link);
  }

  clear(): void {
    this.waiting = [];
    this.confirming = undefined;
  }

  private ask(): void {
    if (this.confirming || this.waiting.length === 0) return;
    this.confirming = this.waiting;
    this.waiting = [];
    this.context.emit({ type: 'confirm', number: ++this.lastNumber });
  }
}
