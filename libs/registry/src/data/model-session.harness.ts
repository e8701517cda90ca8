import { type Publication, type RemovalCause, type Stamp, compareStamps } from '#model';
import { merge } from '../merge.js';
import { DATUM, type DataWorld, type TestSession } from './data-world.harness.js';

interface ModelSessionOwner {
  readonly world: DataWorld;
  /** The leader holds something newer than this session server held. */
  refused(session: ModelSession, registerId: string, held: Stamp): void;
}

interface Holding {
  stamp: Stamp;
  publication: Publication | undefined;
  cause: RemovalCause;
}

/** A session server of a `DataModel`: it records first, then tells the leader what it can. */
export class ModelSession {
  readonly holdings = new Map<string, Holding>();
  leaderEpoch = 0;
  isAlive = true;
  /** Digest sent over this link to this leader; from then on operations may follow. */
  isOpen = false;
  isReconciled = false;
  unheardSinceMs: number | undefined;
  private awaited: { number: number; registerIds: string[] } | undefined;

  constructor(
    readonly wire: TestSession,
    private readonly owner: ModelSessionOwner,
  ) {}

  open(leaderEpoch: number): void {
    if (!this.isAlive || this.wire.link === undefined) return;
    this.leaderEpoch = leaderEpoch;
    this.isOpen = true;
    this.isReconciled = false;
    const live = [...this.holdings].filter(([, held]) => held.publication);
    const removed = [...this.holdings].filter(([, held]) => !held.publication);
    this.wire.send({
      kind: 'digest',
      slot: 0,
      leaderEpoch,
      tableEpoch: this.owner.world.table.epoch,
      number: ++this.wire.digestNumber,
      entries: live.map(([registerId, { stamp }]) => ({ registerId, dataInfoId: DATUM, stamp, leased: false })),
      removals: removed.map(([registerId, { stamp, cause }]) => ({ registerId, dataInfoId: DATUM, stamp, cause })),
    });
    this.listen();
  }

  /** Sends what the leader wanted, as late as the test likes. */
  answer(): void {
    const { awaited, leaderEpoch } = this;
    if (!awaited || !this.isOpen) return;
    this.awaited = undefined;
    const wanted = awaited.registerIds.map((id) => this.holdings.get(id)).filter((held) => held?.publication);
    this.wire.send({
      kind: 'reconcile',
      slot: 0,
      leaderEpoch,
      number: awaited.number,
      operations: wanted.map((held) => ({ op: 'publish', publication: held!.publication! })),
    });
    this.listen();
  }

  /** Records first, then tells the leader if it can. */
  record(registerId: string, holding: Holding): void {
    const held = this.holdings.get(registerId);
    const verdict = merge(held && { stamp: held.stamp, live: held.publication !== undefined }, {
      stamp: holding.stamp,
      live: holding.publication !== undefined,
    });
    if (verdict !== 'take') return;
    this.holdings.set(registerId, holding);
    if (!this.isOpen) return;
    const { stamp, cause } = holding;
    this.wire.send({
      kind: 'operations',
      slot: 0,
      leaderEpoch: this.leaderEpoch,
      tableEpoch: 1,
      sequence: 1,
      operations: [
        holding.publication
          ? { op: 'publish', publication: holding.publication }
          : { op: 'unpublish', registerId, dataInfoId: DATUM, stamp, cause },
      ],
    });
    const applied = this.wire.take('applied');
    const result = applied[0]?.results[0];
    this.listen();
    if (result?.status === 'stale') this.refused(registerId, result.held);
  }

  /** Memory of removals is bounded. */
  forgetRemovals(): void {
    for (const [registerId, held] of this.holdings) if (!held.publication) this.holdings.delete(registerId);
  }

  breakLink(): void {
    const { link } = this.wire;
    if (link === undefined) return;
    this.wire.link = undefined;
    this.unheardSinceMs = this.owner.world.nowMs;
    this.lost();
    this.owner.world.step({ type: 'linkDown', link });
  }

  /** Connects anew; the leader may not have noticed yet that the older link is gone. */
  connect(): void {
    if (!this.isAlive) return;
    this.lost();
    this.unheardSinceMs = undefined;
    this.wire.connect();
  }

  crash(): void {
    this.isAlive = false;
    this.lost();
    this.wire.die();
  }

  private lost(): void {
    this.isOpen = false;
    this.isReconciled = false;
    this.awaited = undefined;
    this.wire.inbox = [];
  }

  private listen(): void {
    for (const message of this.wire.take('want')) {
      if (message.leaderEpoch !== this.leaderEpoch) continue;
      this.awaited = message;
      for (const { registerId, held } of message.stale) this.refused(registerId, held);
    }
    for (const message of this.wire.take('reconciled')) {
      if (message.number === this.wire.digestNumber) this.isReconciled = true;
      for (const { registerId, held } of message.stale) this.refused(registerId, held);
    }
    for (const { leaderEpoch } of this.wire.take('moved')) if (leaderEpoch >= this.leaderEpoch) this.lost();
  }

  /** As a session server does: what is outdated is dropped, and the client told, who raises its stamp and repeats. */
  private refused(registerId: string, held: Stamp): void {
    const holding = this.holdings.get(registerId);
    if (!holding || compareStamps(holding.stamp, held) > 0) return;
    this.holdings.delete(registerId);
    this.owner.refused(this, registerId, held);
  }
}
