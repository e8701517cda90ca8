import type { LeaderToRelay, LinkEffect, LinkId, RelayToLeader, RelayToSession, SessionToRelay } from '#model';

interface Relay {
  relay: number;
  session: string;
  /** Of the session server. */
  link: LinkId;
  leaderLink: LinkId;
}

/** More than there may be leaders for each of many session servers; who asks for more has lost count. */
const RELAYS_MAX = 10_000;

/** On a follower: passes on what leaders and the session servers that cannot reach them say to each other. */
export class RelaysBetween {
  private readonly relays = new Map<string, Relay>();

  constructor(
    /** The link over which something led by that incarnation is followed here. */
    private readonly linkTo: (leader: string) => LinkId | undefined,
    private readonly emit: (effect: LinkEffect<RelayToSession | RelayToLeader>) => void,
  ) {}

  get size(): number {
    return this.relays.size;
  }

  fromSession(link: LinkId, session: string, message: SessionToRelay): void {
    const { relay } = message;
    if (message.kind === 'relayOpen') return this.open(link, session, message);
    const known = this.relays.get(keyOf(session, relay));
    // What comes after the end was sent before the session server knew of it.
    if (known?.link !== link) return;
    if (message.kind === 'relay') this.tellLeader(known, { kind: 'relay', relay, session, message: message.message });
    else {
      this.relays.delete(keyOf(session, relay));
      this.tellLeader(known, { kind: 'relayEnd', relay, session });
    }
  }

  fromLeader(link: LinkId, message: LeaderToRelay): void {
    const { relay, session } = message;
    const known = this.relays.get(keyOf(session, relay));
    if (known?.leaderLink !== link) return;
    switch (message.kind) {
      case 'relayedOpen':
        return this.tellSession(known, { kind: 'relayedOpen', relay });
      case 'relayed':
        return this.tellSession(known, { kind: 'relayed', relay, message: message.message });
      case 'relayedEnd':
        this.relays.delete(keyOf(session, relay));
        return this.tellSession(known, { kind: 'relayedEnd', relay });
    }
  }

  linkDown(link: LinkId): void {
    for (const [key, known] of this.relays) {
      const { relay, session } = known;
      if (known.link !== link && known.leaderLink !== link) continue;
      this.relays.delete(key);
      if (known.link === link) this.tellLeader(known, { kind: 'relayEnd', relay, session });
      else this.tellSession(known, { kind: 'relayedEnd', relay });
    }
  }

  private open(link: LinkId, session: string, { relay, to }: Extract<SessionToRelay, { kind: 'relayOpen' }>): void {
    const leaderLink = this.linkTo(to);
    if (leaderLink === undefined || this.relays.size >= RELAYS_MAX)
      return this.emit({ type: 'send', link, message: { kind: 'relayedEnd', relay } });
    const opened = { relay, session, link, leaderLink };
    this.relays.set(keyOf(session, relay), opened);
    this.tellLeader(opened, { kind: 'relayOpen', relay, session });
  }

  private tellLeader({ leaderLink }: Relay, message: RelayToLeader): void {
    this.emit({ type: 'send', link: leaderLink, message });
  }

  private tellSession({ link }: Relay, message: RelayToSession): void {
    this.emit({ type: 'send', link, message });
  }
}

function keyOf(session: string, relay: number): string {
  return `${relay} ${session}`;
}
