import type { LinkId } from '#model';
import type { SlotLink } from './slot-link.js';

/** One for all, since it is asked for at every step. */
const NOBODY: readonly SlotLink[] = [];

interface Turns {
  /** Slots whose digest is not settled yet, and what that is counted with. */
  underWay: Map<SlotLink, number>;
  bytes: number;
  waiting: Set<SlotLink>;
}

/**
 * Which slots may begin over a link. Each begins with a digest, and then with all that the leader lacks; a server that holds
 * a million publications and is linked with a leader of many slots would at once have more to send than a link may
 * buffer, be hung up for that, and begin anew for ever. So only so much is under way, or one slot; the others wait in order.
 */
export class DigestTurns {
  private readonly links = new Map<LinkId, Turns>();
  private readonly freed = new Set<LinkId>();

  constructor(
    private readonly mostBytes: number,
    private readonly bytesOf: (slot: SlotLink) => number,
  ) {}

  /** @returns false when the slot has to wait */
  begin(link: LinkId, slot: SlotLink): boolean {
    const turns = this.of(link);
    if (turns.waiting.has(slot)) return false;
    const bytes = this.bytesOf(slot);
    if (turns.underWay.size > 0 && turns.bytes + bytes > this.mostBytes) {
      turns.waiting.add(slot);
      return false;
    }
    turns.underWay.set(slot, bytes);
    turns.bytes += bytes;
    return true;
  }

  /** The leader has all of it, or it is led there no longer. */
  end(link: LinkId, slot: SlotLink): void {
    const turns = this.links.get(link);
    const bytes = turns?.underWay.get(slot);
    if (!turns || bytes === undefined) return;
    turns.underWay.delete(slot);
    turns.bytes -= bytes;
    this.freed.add(link);
  }

  /**
   * Whose turn it is now. They ask again, unless something else has become of them, so this is called until it says nobody.
   */
  takeDue(): readonly SlotLink[] {
    if (this.freed.size === 0) return NOBODY;
    const due: SlotLink[] = [];
    for (const link of this.freed) {
      const { waiting, underWay, bytes } = this.of(link);
      const before = due.length;
      let all = bytes;
      for (const slot of waiting) {
        const isFirst = underWay.size === 0 && due.length === before;
        all += this.bytesOf(slot);
        if (!isFirst && all > this.mostBytes) break;
        waiting.delete(slot);
        due.push(slot);
      }
      if (due.length === before) this.freed.delete(link);
    }
    return due;
  }

  /** The link is gone, and nobody waits for it. */
  drop(link: LinkId): void {
    this.links.delete(link);
    this.freed.delete(link);
  }

  private of(link: LinkId): Turns {
    let turns = this.links.get(link);
    if (!turns) this.links.set(link, (turns = { underWay: new Map(), bytes: 0, waiting: new Set() }));
    return turns;
  }
}
