import type { DataToSession, LeaderToRelay, LinkEffect, LinkId, RelayToLeader, SessionToData } from '#model';

interface Relayed {
  /** Of the follower that passes on. */
  link: LinkId;
  session: string;
  relay: number;
}

/** What the links that come about here are to the server. */
export interface RelayedLinksOwner {
  linkUp(link: LinkId, session: string): void;
  received(link: LinkId, message: SessionToData): void;
  /** The session server lives as far as is known; another way to it is as good. */
  linkEnded(link: LinkId): void;
  emit(effect: LinkEffect<LeaderToRelay>): void;
}

const RELAYED_MAX = 10_000;

/**
 * On a leader: what comes by way of followers from session servers that cannot reach it. Each such relay is a link with a
 * number of its own, a negative one, which no host gives; what goes to it goes to the follower in the end.
 */
export class RelayedLinks {
  private readonly byId = new Map<LinkId, Relayed>();
  private readonly ids = new Map<string, LinkId>();
  private lastId: LinkId = 0;

  constructor(private readonly owner: RelayedLinksOwner) {}

  receive(link: LinkId, message: RelayToLeader): void {
    const { session, relay } = message;
    if (message.kind === 'relayOpen') return this.open({ link, session, relay });
    const id = this.ids.get(keyOf({ link, session, relay }));
    if (id === undefined) return;
    if (message.kind === 'relay') this.owner.received(id, message.message);
    else this.end(id, this.byId.get(id)!);
  }

  /** The way to a follower is lost. */
  linkDown(link: LinkId): void {
    for (const [id, relayed] of this.byId) if (relayed.link === link) this.end(id, relayed);
  }

  /** The effects as the host is to perform them, without those upon relays that have ended. */
  translate<Effect extends { type: string }>(effects: Effect[]): (Effect | LinkEffect<LeaderToRelay>)[] {
    if (this.lastId === 0) return effects;
    return effects.flatMap((effect) => this.translateOne(effect) ?? []);
  }

  private translateOne<Effect extends { type: string }>(
    effect: Effect,
  ): Effect | LinkEffect<LeaderToRelay> | undefined {
    const { type, link: id, message } = effect as { type: string; link?: LinkId; message?: DataToSession };
    if (id === undefined || id >= 0 || (type !== 'send' && type !== 'hangUp')) return effect;
    const relayed = this.byId.get(id);
    if (!relayed) return undefined;
    const { link, session, relay } = relayed;
    if (type === 'send') return { type, link, message: { kind: 'relayed', relay, session, message: message! } };
    this.forget(id, relayed);
    return { type: 'send', link, message: { kind: 'relayedEnd', relay, session } };
  }

  private open(relayed: Relayed): void {
    const { link, session, relay } = relayed;
    if (this.byId.size >= RELAYED_MAX)
      return this.owner.emit({ type: 'send', link, message: { kind: 'relayedEnd', relay, session } });
    const id = --this.lastId;
    this.byId.set(id, relayed);
    this.ids.set(keyOf(relayed), id);
    this.owner.emit({ type: 'send', link, message: { kind: 'relayedOpen', relay, session } });
    this.owner.linkUp(id, session);
  }

  private end(id: LinkId, relayed: Relayed): void {
    this.forget(id, relayed);
    this.owner.linkEnded(id);
  }

  private forget(id: LinkId, relayed: Relayed): void {
    this.byId.delete(id);
    this.ids.delete(keyOf(relayed));
  }
}

function keyOf({ link, session, relay }: Relayed): string {
  return `${link} ${relay} ${session}`;
}
