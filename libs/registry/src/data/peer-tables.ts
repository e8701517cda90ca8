import type { LinkEffect, LinkId } from '#model';
import type { Membership } from '../membership/membership.js';

/** One answer is a whole table, and whoever has shown a newer epoch goes on showing it. */
const ASK_EVERY_MS = 1_000;

/**
 * Newer tables that other servers have. While meta is out of reach, whoever shows a newer epoch is asked; in touch with it,
 * the table comes from there as soon as it is committed.
 */
export class PeerTables {
  private askedAtMs = -Infinity;

  constructor(
    private readonly membership: Pick<Membership, 'state' | 'table'>,
    private readonly emit: (effect: LinkEffect<{ kind: 'tableRequest' }>) => void,
  ) {}

  /** The peer has shown this epoch. */
  shown(nowMs: number, link: LinkId, tableEpoch: number): void {
    const { state, table } = this.membership;
    if (state === 'joined' || tableEpoch <= (table?.epoch ?? 0) || nowMs - this.askedAtMs < ASK_EVERY_MS) return;
    this.askedAtMs = nowMs;
    this.emit({ type: 'send', link, message: { kind: 'tableRequest' } });
  }
}
