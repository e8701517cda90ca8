import type { LeaderToReplica, ReplicaToLeader } from '#model';
import type { DurableDisk } from '../durable/durable-disk.js';
import { DurableFollower } from '../durable/durable-follower.js';
import type { SlotReplica } from '../slot-replica.js';

type Answer<Kind extends LeaderToReplica['kind']> = Extract<LeaderToReplica, { kind: Kind }>;

/** What following comes to, for whoever counts. */
export interface FollowerCounters {
  divergencesFound: number;
  divergencesRepaired: number;
  /** Publications that session servers were asked for, since this leader lacked them. */
  publicationsAskedFor: number;
  /** Publications that leaders gave this follower, since what it held differed. */
  publicationsCopied: number;
}

/**
 * A replica that follows the leader of its slot at one leaderEpoch: first what differs from what it has, then every
 * operation. It keeps what it holds whatever happens to the link, since it may be promoted with it.
 */
export class SlotFollower {
  /** Everything up to here is applied; undefined while what differs is still coming. */
  position: number | undefined;
  /** True once it has had all that the leader has. */
  hasFollowed = false;
  private readonly durable: DurableFollower;
  private number = 0;
  private parts = 0;
  /** True from a comparison that failed until what differed has come. */
  private isRepairing = false;

  constructor(
    readonly replica: SlotReplica,
    readonly leader: string,
    readonly leaderEpoch: number,
    private readonly counters: FollowerCounters,
    disk: DurableDisk,
  ) {
    this.durable = new DurableFollower(replica.slot, disk);
  }

  /** Begins anew, over a new link or because too much was missed. */
  follow(): ReplicaToLeader {
    this.position = undefined;
    this.parts = 0;
    const { leaderEpoch } = this;
    const { slot } = this.replica;
    return {
      kind: 'follow',
      slot,
      leaderEpoch,
      number: ++this.number,
      hashes: [...this.replica.hashes()],
      ...this.durable.follow(),
    };
  }

  /** @returns what to tell the leader, if anything */
  receive(nowMs: number, message: LeaderToReplica): ReplicaToLeader | undefined {
    if (message.leaderEpoch !== this.leaderEpoch || message.number !== this.number) return undefined;
    switch (message.kind) {
      case 'replica':
        return this.takePart(nowMs, message);
      case 'replicate':
        return this.takeOperations(nowMs, message);
      case 'compare':
        return this.compare(message);
      case 'write':
        this.durable.take(message);
        return undefined;
      case 'followAnew':
        return this.follow();
    }
  }

  /** What there is to tell the leader of what is on disk by now. */
  takeWritten(): ReplicaToLeader | undefined {
    const position = this.durable.takeWritten();
    if (position === undefined) return undefined;
    const { leaderEpoch, number } = this;
    return { kind: 'written', slot: this.replica.slot, leaderEpoch, number, position };
  }

  private takePart(nowMs: number, { datums, gone, position }: Answer<'replica'>): ReplicaToLeader {
    for (const dataInfoId of gone) this.replica.drop(dataInfoId);
    for (const datum of datums) {
      this.replica.import(nowMs, datum, this.leader);
      this.counters.publicationsCopied += datum.publications.length;
    }
    this.parts++;
    if (position !== undefined) {
      this.position = position;
      this.hasFollowed = true;
      if (this.isRepairing) this.counters.divergencesRepaired++;
      this.isRepairing = false;
    }
    return this.acknowledgement();
  }

  private takeOperations(nowMs: number, { first, operations }: Answer<'replicate'>): ReplicaToLeader {
    // Links keep order, so a gap means that something is wrong; asking anew mends whatever it is.
    if (this.position === undefined || first > this.position + 1) return this.follow();
    for (const { by, ...operation } of operations) this.replica.apply(nowMs, operation, by);
    this.replica.takeEndedLeases();
    this.position = Math.max(this.position, first + operations.length - 1);
    return this.acknowledgement();
  }

  private compare({ position, hash }: Answer<'compare'>): ReplicaToLeader | undefined {
    if (position !== this.position) return undefined;
    if (hash === this.replica.hash) return { ...this.acknowledgement(), agrees: true };
    this.counters.divergencesFound++;
    this.isRepairing = true;
    return this.follow();
  }

  private acknowledgement(): Extract<ReplicaToLeader, { kind: 'replicated' }> {
    const { leaderEpoch, number, parts, position = 0 } = this;
    return { kind: 'replicated', slot: this.replica.slot, leaderEpoch, number, parts, position };
  }
}
