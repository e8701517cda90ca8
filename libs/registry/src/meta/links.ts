import type { FromMeta, LinkEffect, LinkId, Member, PeerHello } from '#model';

/** A link from a data or session server, or from who claims to be one. */
export interface MemberLink {
  id: LinkId;
  hello: PeerHello;
  heardAtMs: number;
  /** The join that waits for an answer. */
  join?: { member: Member; again: boolean; standsIn: boolean };
  /** The member served over this link, once it has joined. */
  incarnation?: string;
  /** The configuration values that its clients watch. */
  watched?: Set<string>;
}

/** The links of the leader to its members: at most one serves a member, and each is told of changes in order. */
export class MemberLinks {
  private readonly links = new Map<LinkId, MemberLink>();

  constructor(private readonly emit: (effect: LinkEffect<FromMeta>) => void) {}

  up(nowMs: number, id: LinkId, hello: PeerHello): void {
    this.links.set(id, { id, hello, heardAtMs: nowMs });
  }

  /** @returns the member that was served over the link */
  down(id: LinkId): string | undefined {
    const incarnation = this.links.get(id)?.incarnation;
    this.links.delete(id);
    return incarnation;
  }

  serves(incarnation: string): boolean {
    return this.serving().some((link) => link.incarnation === incarnation);
  }

  heard(nowMs: number, id: LinkId): MemberLink | undefined {
    const link = this.links.get(id);
    if (link) link.heardAtMs = nowMs;
    return link;
  }

  joining(): MemberLink[] {
    return [...this.links.values()].filter(({ join }) => join !== undefined);
  }

  /** Links that serve members. */
  serving(): MemberLink[] {
    return [...this.links.values()].filter(({ incarnation }) => incarnation !== undefined);
  }

  /** From now on `link` serves the member; an older link that did so is closed. */
  serve(link: MemberLink, incarnation: string): void {
    for (const other of this.serving()) {
      if (other === link || other.incarnation !== incarnation) continue;
      this.release(other);
      this.hangUp(other.id, 'The member has come back over another link.');
    }
    delete link.join;
    link.incarnation = incarnation;
  }

  /** The link serves nobody any more. It is for the other side to close it. */
  release(link: MemberLink): void {
    delete link.join;
    delete link.incarnation;
    delete link.watched;
  }

  /** To every member. */
  tell(message: FromMeta): void {
    for (const { id } of this.serving()) this.send(id, message);
  }

  send(id: LinkId, message: FromMeta): void {
    this.emit({ type: 'send', link: id, message });
  }

  hangUp(id: LinkId, reason: string): void {
    this.emit({ type: 'hangUp', link: id, reason });
  }

  /** Closes what has been silent for `idleMs`, so that half-open connections do not pile up. */
  closeIdle(nowMs: number, idleMs: number): void {
    for (const link of this.links.values()) {
      if (nowMs - link.heardAtMs < idleMs) continue;
      this.release(link);
      this.hangUp(link.id, 'Nothing was heard over the link.');
      // Should the link linger, it is closed again after as long.
      link.heardAtMs = nowMs;
    }
  }

  /** The silence was ours. */
  forgive(byMs: number): void {
    for (const link of this.links.values()) link.heardAtMs += byMs;
  }
}
