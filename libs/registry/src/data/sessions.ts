import { type LinkId, type RoutingTable, isProtected } from '#model';

/** A session server's incarnation, as this data server knows it. Outlives its links. */
export interface SessionPeer {
  readonly incarnation: string;
  /** The newest link. From older ones nothing more is read. */
  link: LinkId | undefined;
  /** When its last frame came; before the first, when it was first known of. */
  heardAtMs: number;
  /** When a table that no longer names it was taken, after one that did. */
  removedAtMs: number;
  /** When its newest link broke of itself, as all those of a process do that ends, its clients' too. */
  brokenAtMs: number | undefined;
}

/** For how long what belongs to a session incarnation that is gone stays. */
export interface Graces {
  /** From the moment when its link broke, since when its clients have been looking for another. */
  graceMs: number;
  /** From its last frame, where nothing has come from it any more, and its clients have to notice that first. */
  silentGraceMs: number;
}

/** Peers without link, table entry or publications are forgotten after this; it only has to exceed any grace. */
const FORGET_AFTER_MS = 120_000;
/**
 * The grace after a time of protection. Clients that have long been without any server pause for up to 5 seconds before
 * they try the next address, and wait 2 seconds for one that answers nothing; two of those may come before one that does.
 */
const RETURN_GRACE_MS = 20_000;

/**
 * Who the session servers are, when each was last heard, and what their silence means. Two silences mean nothing: one
 * that fell into a pause of this process itself, since frames may be waiting unread, and one during which no session
 * server was in the table, since clients had nowhere to return to.
 */
export class Sessions {
  private readonly peers = new Map<string, SessionPeer>();
  private readonly byLink = new Map<LinkId, SessionPeer>();
  private inTable = new Set<string>();
  /** Since when the table has named some session server without a break. */
  private admittingSinceMs: number | undefined;
  private resumedAtMs = -Infinity;
  /** While so many servers are missed that their publications wait for them; and when that was last over. */
  private isProtected = false;
  private unprotectedAtMs = -Infinity;

  constructor(private readonly graces: Graces) {}

  /** The newest link of every incarnation that has one. */
  links(): IterableIterator<LinkId> {
    return this.byLink.keys();
  }

  isLinked(incarnation: string): boolean {
    return this.peers.get(incarnation)?.link !== undefined;
  }

  /** Some session server that is linked and in the table. */
  anyLinked(): SessionPeer | undefined {
    for (const peer of this.byLink.values()) if (this.inTable.has(peer.incarnation)) return peer;
    return undefined;
  }

  /** The incarnation of which this is the newest link. */
  peerOf(link: LinkId): SessionPeer | undefined {
    return this.byLink.get(link);
  }

  /** Answers the older link of the same incarnation, which counts as gone from now on. */
  linkUp(nowMs: number, link: LinkId, incarnation: string): LinkId | undefined {
    const peer = this.peer(nowMs, incarnation);
    const older = peer.link;
    if (older !== undefined) this.byLink.delete(older);
    peer.link = link;
    peer.heardAtMs = nowMs;
    peer.brokenAtMs = undefined;
    this.byLink.set(link, peer);
    return older;
  }

  /**
   * False when the link was not the newest of any incarnation, so that nothing hangs on it.
   * @param brokenAtMs left out where it is given up here
   */
  linkDown(link: LinkId, brokenAtMs?: number): boolean {
    const peer = this.byLink.get(link);
    if (!peer) return false;
    peer.link = undefined;
    peer.brokenAtMs = brokenAtMs;
    this.byLink.delete(link);
    return true;
  }

  /** Notes a frame; undefined for a link that is not the newest of its incarnation. */
  heard(nowMs: number, link: LinkId): SessionPeer | undefined {
    const peer = this.byLink.get(link);
    if (peer) peer.heardAtMs = nowMs;
    return peer;
  }

  takeTable(nowMs: number, table: RoutingTable): void {
    const sessions = new Set<string>();
    for (const { role, incarnation } of table.members) if (role === 'session') sessions.add(incarnation);
    for (const incarnation of this.inTable) {
      if (!sessions.has(incarnation)) this.peer(nowMs, incarnation).removedAtMs = nowMs;
    }
    this.inTable = sessions;
    this.admittingSinceMs = sessions.size === 0 ? undefined : (this.admittingSinceMs ?? nowMs);
    const wasProtected = this.isProtected;
    this.isProtected = isProtected(table);
    if (wasProtected && !this.isProtected) this.unprotectedAtMs = nowMs;
  }

  /** This process stood still until now. */
  resumed(nowMs: number): void {
    this.resumedAtMs = nowMs;
  }

  /** @param readUntilMs see `Core` */
  idleLinks(readUntilMs: number, idleMs: number): LinkId[] {
    const idle: LinkId[] = [];
    for (const [link, { heardAtMs }] of this.byLink) {
      if (readUntilMs - Math.max(heardAtMs, this.resumedAtMs) > idleMs) idle.push(link);
    }
    return idle;
  }

  /**
   * Whether a leader promoted at `sinceMs` may stop waiting for the incarnation: it is out of the table and unheard for
   * the grace, counted from the latest of promotion, its last frame, and its removal as learned here.
   */
  isNotWorthWaiting(nowMs: number, incarnation: string, sinceMs: number): boolean {
    const { heardAtMs, removedAtMs } = this.peer(nowMs, incarnation);
    return this.isSilent(incarnation, nowMs, Math.max(sinceMs, heardAtMs, removedAtMs), this.graces.graceMs);
  }

  /**
   * Whether the connected publications of the incarnation are orphans: a table read from a settled meta later than its end
   * plus the grace does not name it. A process that ends breaks its clients' connections too, and one that stood still for
   * long and finds itself expelled does so no sooner than it goes on; where a machine vanishes, they notice only after a
   * while. Until then nobody must miss what they publish. Not while there is protection, and not soon after it, since only
   * now there are servers for the clients to return to.
   */
  isGone(nowMs: number, incarnation: string, settledReadAtMs: number | undefined): boolean {
    const { heardAtMs, brokenAtMs } = this.peer(nowMs, incarnation);
    const { graceMs, silentGraceMs } = this.graces;
    if (this.isProtected || settledReadAtMs === undefined) return false;
    if (settledReadAtMs <= this.unprotectedAtMs + RETURN_GRACE_MS) return false;
    return brokenAtMs === undefined
      ? this.isSilent(incarnation, settledReadAtMs, heardAtMs, silentGraceMs)
      : this.isSilent(incarnation, settledReadAtMs, brokenAtMs, graceMs);
  }

  /** Since when renewals have had a way here: where so many servers are missed, they may find none. */
  renewableSinceMs(nowMs: number): number {
    return this.isProtected ? nowMs : this.unprotectedAtMs;
  }

  /** Forgets peers of which nothing is left; answers who they were. */
  forget(nowMs: number, isNeeded: (incarnation: string) => boolean): string[] {
    const forgotten: string[] = [];
    for (const [incarnation, { link, heardAtMs, removedAtMs }] of this.peers) {
      const isKnown = link !== undefined || this.inTable.has(incarnation);
      if (isKnown || nowMs - Math.max(heardAtMs, removedAtMs) < FORGET_AFTER_MS || isNeeded(incarnation)) continue;
      this.peers.delete(incarnation);
      forgotten.push(incarnation);
    }
    return forgotten;
  }

  private isSilent(incarnation: string, untilMs: number, sinceMs: number, graceMs: number): boolean {
    if (this.inTable.has(incarnation) || this.admittingSinceMs === undefined) return false;
    return untilMs > Math.max(sinceMs, this.admittingSinceMs, this.resumedAtMs) + graceMs;
  }

  private peer(nowMs: number, incarnation: string): SessionPeer {
    let peer = this.peers.get(incarnation);
    if (!peer) {
      peer = { incarnation, link: undefined, heardAtMs: nowMs, removedAtMs: -Infinity, brokenAtMs: undefined };
      this.peers.set(incarnation, peer);
    }
    return peer;
  }
}
