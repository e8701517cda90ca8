import type { LinkId, SessionToRelay } from '#model';

interface Asked {
  relay: number;
  /** Of the follower that is to pass on. */
  link: LinkId;
}

/**
 * Relays that were asked for and are not open yet, one for each leader at most. Nothing else is sent before the leader has
 * answered: it may be dead, and whatever is on its way to it would be lost without anybody knowing.
 */
export class RelayRequests {
  private readonly asked = new Map<string, Asked>();
  private lastRelay = 0;

  constructor(private readonly send: (link: LinkId, message: SessionToRelay) => void) {}

  /** Instead of whatever was asked for before. */
  ask(leader: string, link: LinkId): void {
    this.giveUp(leader);
    const relay = ++this.lastRelay;
    this.asked.set(leader, { relay, link });
    this.send(link, { kind: 'relayOpen', relay, to: leader });
  }

  giveUp(leader: string): void {
    const asked = this.asked.get(leader);
    if (!asked) return;
    this.asked.delete(leader);
    this.send(asked.link, { kind: 'relayEnd', relay: asked.relay });
  }

  keep(isWanted: (leader: string) => boolean): void {
    for (const leader of this.asked.keys()) if (!isWanted(leader)) this.giveUp(leader);
  }

  /** The leader has answered, or the follower for it. @returns the leader, if that is what was asked for */
  answered(link: LinkId, relay: number): string | undefined {
    for (const [leader, asked] of this.asked) {
      if (asked.relay !== relay || asked.link !== link) continue;
      this.asked.delete(leader);
      return leader;
    }
    return undefined;
  }

  linkDown(link: LinkId): void {
    for (const [leader, asked] of this.asked) if (asked.link === link) this.asked.delete(leader);
  }
}
