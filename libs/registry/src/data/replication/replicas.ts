import type { LeaderToReplica, LinkEffect, LinkEvent, LinkId, Random, ReplicaToLeader, RoutingTable } from '#model';
import type { Ping } from '../contract.js';
import type { DurableDisk } from '../durable/durable-disk.js';
import type { SlotReplica } from '../slot-replica.js';
import { type FollowerCounters, SlotFollower } from './follower-side.js';
import { LeaderLinks } from './leader-links.js';

/** The sender does not lead the slot at that leaderEpoch; the highest that it has seen is this. */
type Moved = { kind: 'moved'; slot: number; leaderEpoch?: number };

export interface ReplicasOptions {
  self: string;
  random: Random;
  silenceMs: number;
  disk: DurableDisk;
  makeReplica(slot: number, leaderEpoch: number): SlotReplica;
  /** The highest leaderEpoch of the slot that this server has seen, in a table or in anybody's message. */
  seenEpoch(slot: number): number;
  emit(effect: LinkEffect<ReplicaToLeader | Ping>): void;
}

interface Followed {
  follower: SlotFollower;
  /** The link over which it follows; undefined until it has asked over one. */
  link: LinkId | undefined;
  /** A leader that did not know of its leadership yet is asked again then. */
  askAtMs: number;
}

const ASK_AGAIN_MS = 500;

/** The slots that this data server follows, as the table says, and the contents it keeps for a slot that changes hands. */
export class Replicas {
  readonly counters: FollowerCounters = {
    divergencesFound: 0,
    divergencesRepaired: 0,
    publicationsAskedFor: 0,
    publicationsCopied: 0,
  };
  private readonly followed = new Map<number, Followed>();
  /** Contents of slots that are led here no longer, until the next table says what becomes of them. */
  private readonly left = new Map<number, SlotReplica>();
  private readonly links: LeaderLinks;

  constructor(private readonly options: ReplicasOptions) {
    this.links = new LeaderLinks(options.random, options.silenceMs, (effect) => options.emit(effect));
  }

  get size(): number {
    return this.followed.size;
  }

  *all(): Generator<SlotFollower> {
    for (const { follower } of this.followed.values()) yield follower;
  }

  at(slot: number): SlotFollower | undefined {
    return this.followed.get(slot)?.follower;
  }

  /**
   * The contents held for a slot that is to be led here from now on, if they are those of the leadership right before,
   * whose leaderEpoch was this. Anything older is a stale replica's: it may hold what has been removed since, and to show
   * that would be to bring it back (invariant 9).
   */
  take(slot: number, leaderEpoch: number): SlotReplica | undefined {
    const follower = this.followed.get(slot)?.follower;
    const replica = follower?.hasFollowed ? follower.replica : this.left.get(slot);
    this.followed.delete(slot);
    this.left.delete(slot);
    return replica?.leaderEpoch === leaderEpoch ? replica : undefined;
  }

  /** The contents held for a slot, whether or not they count. */
  held(slot: number): SlotReplica | undefined {
    return this.followed.get(slot)?.follower.replica ?? this.left.get(slot);
  }

  /** The slots followed. */
  slots(): number[] {
    return [...this.followed.keys()];
  }

  /** The slot is led here no longer; the server may be one of its followers. */
  leave(replica: SlotReplica): void {
    replica.journal = undefined;
    this.left.set(replica.slot, replica);
  }

  /** Follows exactly the slots that the table tells this server to. What is held for any other is dropped. */
  takeTable(nowMs: number, table: RoutingTable): void {
    const { self, makeReplica } = this.options;
    const addressOf = new Map(table.members.map(({ incarnation, address }) => [incarnation, address]));
    const wanted = new Set<string>();
    table.slots.forEach(({ leader, leaderEpoch, followers, joining }, slot) => {
      const isOurs = leader !== null && leader !== self && (followers.includes(self) || joining.includes(self));
      if (!isOurs) return void this.followed.delete(slot);
      const address = addressOf.get(leader);
      if (address !== undefined) wanted.add(address);
      const known = this.followed.get(slot)?.follower;
      if (known?.leader === leader && known.leaderEpoch === leaderEpoch) return;
      const replica = known?.replica ?? this.left.get(slot) ?? makeReplica(slot, leaderEpoch);
      replica.rebase(nowMs, leaderEpoch, 0);
      const follower = new SlotFollower(replica, leader, leaderEpoch, this.counters, this.options.disk);
      this.followed.set(slot, { follower, link: undefined, askAtMs: 0 });
    });
    this.left.clear();
    this.links.want(nowMs, wanted);
    this.ask(nowMs);
  }

  /** The link over which something is followed that the given incarnation leads. */
  linkTo(leader: string): LinkId | undefined {
    return this.links.linkTo(leader);
  }

  heard(nowMs: number, link: LinkId): void {
    this.links.heard(nowMs, link);
  }

  /** True for events of the links that are dialled here, and of those dials. */
  owns(event: LinkEvent<unknown>): boolean {
    if (event.type === 'dialFailed') return this.links.owns(event.address);
    if (event.type === 'linkUp') return event.direction === 'out' && this.links.owns(event.address);
    return this.links.has(event.link);
  }

  step(nowMs: number, event: LinkEvent<LeaderToReplica | Moved | { kind: 'pong' }>): void {
    switch (event.type) {
      case 'linkUp':
        this.links.linkUp(nowMs, event.link, event.address, event.hello.incarnation);
        return this.ask(nowMs);
      case 'linkDown':
        return this.links.linkDown(nowMs, event.link);
      case 'dialFailed':
        return this.links.dialFailed(nowMs, event.address);
      case 'received':
        this.links.heard(nowMs, event.link);
        if (event.message.kind === 'pong') return undefined;
        return this.receive(nowMs, event.link, event.message);
    }
  }

  sweep(nowMs: number, resumedAtMs: number, budget: number): number {
    this.links.sweep(nowMs, resumedAtMs);
    this.ask(nowMs);
    let looked = 0;
    for (const { follower } of this.followed.values())
      looked += follower.replica.expireTombstones(nowMs, Math.max(budget - looked, 0));
    return looked;
  }

  private receive(nowMs: number, link: LinkId, message: LeaderToReplica | Moved): void {
    const followed = this.followed.get(message.slot);
    if (!followed || followed.link !== link || this.isSuperseded(followed.follower)) return;
    if (message.kind === 'moved') {
      followed.link = undefined;
      // Of one that knows of a later leadership nothing is wanted before the table that says so has come here, too.
      const isOver = (message.leaderEpoch ?? 0) > followed.follower.leaderEpoch;
      followed.askAtMs = isOver ? Infinity : nowMs + ASK_AGAIN_MS;
      return;
    }
    const answer = followed.follower.receive(nowMs, message);
    if (answer) this.options.emit({ type: 'send', link, message: answer });
    this.tellWritten(followed);
  }

  /** More of the slot is on disk. */
  persisted(slot: number): void {
    const followed = this.followed.get(slot);
    if (followed) this.tellWritten(followed);
  }

  private tellWritten({ follower, link }: Followed): void {
    if (link === undefined || !this.links.has(link)) return;
    const message = follower.takeWritten();
    if (message) this.options.emit({ type: 'send', link, message });
  }

  /** Of a leaderEpoch that is over nothing is taken and nothing acknowledged; the table that says so is on its way. */
  private isSuperseded({ replica, leaderEpoch }: SlotFollower): boolean {
    return this.options.seenEpoch(replica.slot) > leaderEpoch;
  }

  /** Asks to follow wherever the way to the leader is open and this has not been asked over it. */
  private ask(nowMs: number): void {
    for (const followed of this.followed.values()) {
      const link = this.links.linkTo(followed.follower.leader);
      if (link === undefined || link === followed.link || nowMs < followed.askAtMs) continue;
      if (this.isSuperseded(followed.follower)) continue;
      followed.link = link;
      this.options.emit({ type: 'send', link, message: followed.follower.follow() });
    }
  }
}
