import type { LinkId } from '#model';
import type { SessionPeer } from '../sessions.js';

/** More than this is not held back: the leader goes on instead. */
const HELD_MAX = 10_000;

interface Held<Message> {
  peer: SessionPeer;
  link: LinkId;
  message: Message;
}

/**
 * A slot on its way to another leader: until meta has committed that, or the time is up, it takes no writes, so that the
 * other begins with everything. What comes meanwhile is held back in order.
 */
export class HandOver<Message> {
  private readonly held: Held<Message>[] = [];

  constructor(
    readonly to: string,
    readonly untilMs: number,
  ) {}

  /** False when too much is held already. */
  hold(peer: SessionPeer, message: Message): boolean {
    if (this.held.length >= HELD_MAX) return false;
    this.held.push({ peer, link: peer.link!, message });
    return true;
  }

  release(): Held<Message>[] {
    return this.held.splice(0);
  }
}
