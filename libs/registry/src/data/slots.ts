import {
  DEFAULT_SWITCHES,
  type DataInfoId,
  type LinkId,
  type LogEffect,
  type ReplicaReport,
  type ReplicaToLeader,
  type RoutingTable,
  type Switches,
  logged,
} from '#model';
import { slotOf } from '#sharding';
import { NamesOff } from '../names-off.js';
import type { DataEffect, DataEvent, DataLimits, DataOptions } from './contract.js';
import { Arrivals } from './arrivals.js';
import { DataLists } from './lists/data-lists.js';
import { DurableDisk } from './durable/durable-disk.js';
import type { DataStats, DatumReport, FollowingReport, SlotLag, SlotReport } from './inspect.js';
import { interner } from './intern.js';
import { Keyspace } from './keys/keyspace.js';
import { Leadership } from './leadership.js';
import { type RecordedRemoval, noRemovals } from './removal-log.js';
import { Replicas } from './replication/replicas.js';
import type { Sessions } from './sessions.js';
import { SlotLeader } from './slot-leader.js';
import { SlotReplica } from './slot-replica.js';
import { WarmSlots } from './warm/warm-slots.js';

type DiskEvent = Extract<DataEvent, { type: 'persisted' | 'persistFailed' | 'kept' | 'keepFailed' }>;

/** What meta has been told of a replica is told again after this, until a table shows that it was heard. */
const TELL_AGAIN_MS = 1_000;

/** The slots of this data server: those it leads, those it follows, and how one becomes the other. */
export class Slots {
  readonly leadership: Leadership;
  readonly replicas: Replicas;
  readonly disk: DurableDisk;
  readonly warm: WarmSlots;
  readonly arrivals = new Arrivals();
  readonly lists: DataLists;
  readonly keyspace: Keyspace;
  private readonly removed = noRemovals();
  private readonly hidden: { names: NamesOff };
  private nowMs = 0;
  private table: RoutingTable | undefined;
  private reports: ReplicaReport[] = [];
  private readonly toldAtMs = new Map<string, number>();
  private readonly incarnation: string;

  constructor(
    options: DataOptions,
    limits: DataLimits,
    private readonly sessions: Sessions,
    private readonly emit: (effect: DataEffect) => void,
  ) {
    const { incarnation, diskId } = options.self;
    this.incarnation = incarnation;
    this.lists = new DataLists(options.self, (slot) => this.leadership.at(slot)?.replica);
    this.disk = new DurableDisk(diskId, options.stored, options.isStored);
    const intern = interner();
    this.hidden = { names: new NamesOff({ ...DEFAULT_SWITCHES, ...options.switches?.switches }) };
    const { tombstoneMs } = limits;
    this.warm = new WarmSlots(
      options.warm,
      {
        replicaOf: (slot) => this.leadership.at(slot)?.replica ?? this.replicas.at(slot)?.replica,
        slots: () => [...this.leadership.slots(), ...this.replicas.slots()],
      },
      limits.warmPending,
    );
    const makeReplica = (slot: number, leaderEpoch: number, firstSequence = 0): SlotReplica =>
      this.warm.keep(new SlotReplica({ slot, leaderEpoch, firstSequence, tombstoneMs, intern }));
    this.replicas = new Replicas({
      self: incarnation,
      random: options.random,
      silenceMs: limits.linkIdleMs,
      disk: this.disk,
      makeReplica: (slot, leaderEpoch) => this.warm.take(slot) ?? makeReplica(slot, leaderEpoch),
      seenEpoch: (slot) => this.leadership.seenEpoch(slot),
      emit,
    });
    this.keyspace = new Keyspace({
      leaderFor: (at) => this.leaderFor(at),
      leaders: () => this.leadership.leaders(),
      nowMs: () => this.nowMs,
      tableEpoch: () => this.table?.epoch ?? 0,
      wrote: (nowMs, leader) => this.noteProgress(nowMs, leader),
      send: (link, message) => this.emit({ type: 'send', link, message }),
      out: { push: (effect) => this.emit(effect) },
    });
    this.leadership = new Leadership(incarnation, (begun) => {
      const { slot, leaderEpoch, waitFor, firstSequence, inherits, isStandIn, former } = begun;
      const unclaimed = former?.unconfirmed;
      if (former) {
        former.unconfirmed = undefined;
        this.ended(former);
      }
      const there = this.replicas.held(slot);
      // What was led here until now counts in any case, what was followed only by meta's word.
      const held = this.replicas.take(slot, leaderEpoch - 1);
      const counts = inherits || held === former?.replica;
      const replica = (counts ? held : undefined) ?? makeReplica(slot, leaderEpoch, firstSequence);
      replica.journal = undefined;
      replica.removals.counts = this.removed;
      replica.hidden = this.hidden;
      replica.rebase(this.nowMs, leaderEpoch, firstSequence);
      this.keyspace.begun(replica, this.table?.epoch ?? 0);
      const unconfirmed = this.warm.unconfirmed(replica, there, unclaimed);
      const { disk, nowMs, arrivals } = this;
      const { counters } = this.replicas;
      const own = { replica, waitFor, unconfirmed, isStandIn };
      return new SlotLeader({ ...own, limits, sessions: this.sessions, nowMs, counters, arrivals, disk });
    });
  }

  /** Every step begins with this. */
  begin(nowMs: number): void {
    this.nowMs = nowMs;
  }

  /** What is no longer, or again, to be shown of what is led here waits to be told. */
  switched(nowMs: number, switches: Switches): void {
    const before = this.hidden.names;
    this.hidden.names = new NamesOff(switches);
    for (const { replica } of this.leadership.leaders()) replica.switched(nowMs, before);
  }

  /** @returns whether the leadership of any slot has changed */
  takeTable(nowMs: number, table: RoutingTable): { begun: number; ended: number } {
    this.nowMs = nowMs;
    this.table = table;
    this.lists.takeTable(table);
    const { begun, ended } = this.leadership.takeTable(table);
    for (const leader of ended) this.ended(leader);
    this.replicas.takeTable(nowMs, table);
    this.warm.takeTable();
    this.toldAtMs.clear();
    const disks = new Map(table.members.map(({ incarnation, diskId }) => [incarnation, diskId]));
    for (const leader of this.leadership.leaders()) {
      const { slot, leaderEpoch } = leader.replica;
      // The table may be behind what has been seen of the slot; its word is then of no leadership here.
      if (table.slots[slot]?.leaderEpoch !== leaderEpoch) continue;
      leader.takeAssignment(nowMs, table.slots[slot], (server) => disks.get(server), { push: this.emit });
      this.noteProgress(nowMs, leader);
    }
    return { begun: begun.length, ended: ended.length };
  }

  /** The leader that the message is meant for: of its slot, at exactly the leaderEpoch it names (invariant 6). */
  leaderFor({ slot, leaderEpoch }: { slot: number; leaderEpoch: number }): SlotLeader | undefined {
    // A slot that no table has cannot be believed about, and must not take memory.
    if (slot >= (this.table?.slots.length ?? 0)) return undefined;
    const ended = this.leadership.see(slot, leaderEpoch);
    if (ended) {
      const fields = { slot, leaderEpoch: ended.replica.leaderEpoch, seen: leaderEpoch };
      this.emit(logged('info', 'superseded', fields));
      this.ended(ended);
    }
    const leader = this.leadership.at(slot);
    return leader?.replica.leaderEpoch === leaderEpoch ? leader : undefined;
  }

  /** Whether a dataInfoId is of the slot. */
  readonly belongs = (dataInfoId: DataInfoId, slot: number): boolean => {
    const { table } = this;
    if (!table || this.leadership.at(slot)?.replica.has(dataInfoId)) return true;
    return slotOf(dataInfoId, table.slots.length) === slot;
  };

  moved(link: LinkId, slot: number, requestId?: number): void {
    const leaderEpoch = this.leadership.seenEpoch(slot);
    const tableEpoch = this.table?.epoch ?? 0;
    const asked = requestId === undefined ? {} : { requestId };
    this.emit({ type: 'send', link, message: { kind: 'moved', slot, leaderEpoch, tableEpoch, ...asked } });
  }

  /** What another data server says, which follows a slot or wants to. */
  receiveReplica(nowMs: number, link: LinkId, incarnation: string, message: ReplicaToLeader): void {
    const leader = this.leaderFor(message);
    if (!leader) return this.moved(link, message.slot);
    leader.receiveReplica(link, incarnation, message, nowMs, { push: this.emit });
    this.noteProgress(nowMs, leader);
  }

  dropLink(link: LinkId): void {
    this.keyspace.dropLink(link);
    for (const leader of this.leadership.leaders()) leader.dropLink(link);
  }

  /** Meta wants the slot to be led by a follower of it. */
  handOver(nowMs: number, { slot, leaderEpoch, to }: { slot: number; leaderEpoch: number; to: string }): void {
    const leader = this.leadership.at(slot);
    if (leader?.replica.leaderEpoch !== leaderEpoch) return;
    if (leader.seal(nowMs, to)) this.noteProgress(nowMs, leader);
  }

  /** What there is to tell meta since the last call. */
  takeReports(): ReplicaReport[] {
    const { reports } = this;
    if (reports.length > 0) this.reports = [];
    return reports;
  }

  /** What a disk says of what it was given. @returns what there is to say in the log */
  diskAnswered(nowMs: number, event: DiskEvent): LogEffect[] {
    const { disk, warm } = this;
    switch (event.type) {
      case 'persisted':
        this.persisted(nowMs, disk.persisted(event.token));
        return [];
      case 'persistFailed': {
        // Serving goes on; persistent writes are refused until the disk takes one again.
        const isNew = disk.failure === undefined;
        disk.persistFailed(nowMs, event.token, event.message);
        return isNew ? [logged('error', 'disk-failed', { message: event.message })] : [];
      }
      case 'kept':
        warm.kept(event.token);
        return [];
      case 'keepFailed':
        // Nothing but the next start here depends on it.
        warm.failed(nowMs, event.token);
        return [logged('warn', 'warm-copy-failed', { message: event.message })];
    }
  }

  /** More of a slot is on disk. */
  private persisted(nowMs: number, slot: number | undefined): void {
    if (slot === undefined) return;
    const leader = this.leadership.at(slot);
    leader?.persisted(nowMs, { push: this.emit });
    if (leader) this.noteProgress(nowMs, leader);
    this.replicas.persisted(slot);
  }

  /** A joining replica that has everything is as good as complete; a sealed slot whose heir has everything may be moved. */
  noteProgress(nowMs: number, leader: SlotLeader): void {
    const { durable, replication, replica, sealedFor } = leader;
    const { slot, leaderEpoch } = replica;
    const tableEpoch = this.table?.epoch ?? 0;
    const tell = (type: ReplicaReport['type'], server: string): void =>
      this.tell(nowMs, { type, slot, leaderEpoch, server, tableEpoch });
    for (const server of this.table?.slots[slot]?.joining ?? []) {
      if (!replication.hasAll(server) || !durable.hasAll(server)) continue;
      durable.propose(server);
      tell('caughtUp', server);
    }
    // What is on its way to disks is answered first; a seal that ends meanwhile is asked for again.
    if (sealedFor !== undefined && replication.hasAll(sealedFor) && durable.stagedCount === 0)
      tell('sealed', sealedFor);
    if (durable.wantsMark) tell('durable', this.incarnation);
    for (const disk of durable.behind(nowMs)) tell('behind', disk);
  }

  /** For people. */
  inspect(nowMs: number, isAsked: (slot: number) => boolean): SlotReport[] {
    const leaders = [...this.leadership.leaders()].filter(({ replica }) => isAsked(replica.slot));
    return leaders.map(({ replica, waitingFor, replication, agreements }) => ({
      slot: replica.slot,
      leaderEpoch: replica.leaderEpoch,
      sequence: replica.sequence,
      complete: replica.isComplete,
      waitingFor,
      datums: replica.datumCount,
      publications: replica.publicationCount,
      hash: replica.hash,
      tombstones: replica.tombstoneCount,
      followers: replication.lags(nowMs),
      sessions: agreements.list(nowMs),
    }));
  }

  lags(nowMs: number): SlotLag[] {
    return Array.from(this.leadership.leaders(), ({ replica: { slot }, replication, agreements }) => {
      return { slot, followers: replication.lags(nowMs), sessions: agreements.list(nowMs) };
    });
  }

  following(isAsked: (slot: number) => boolean): FollowingReport[] {
    const followed = [...this.replicas.all()].filter(({ replica }) => isAsked(replica.slot));
    return followed.map(({ replica, leader, leaderEpoch, position }) => ({
      slot: replica.slot,
      leader,
      leaderEpoch,
      ...(position === undefined ? {} : { position }),
      publications: replica.publicationCount,
      hash: replica.hash,
    }));
  }

  /** Undefined when the slot of the datum is not led here. A datum nobody published is an empty one. */
  datum(dataInfoId: DataInfoId): DatumReport | undefined {
    const replica = this.table && this.leadership.at(slotOf(dataInfoId, this.table.slots.length))?.replica;
    return (
      replica && {
        dataInfoId,
        slot: replica.slot,
        version: replica.version(dataInfoId),
        complete: replica.isComplete,
        publications: replica.publications(dataInfoId),
        hidden: replica.hiddenOf(dataInfoId),
      }
    );
  }

  /** The latest disappearances in a slot held here, oldest first. */
  removals(slot: number): RecordedRemoval[] {
    return (this.leadership.at(slot) ?? this.replicas.at(slot))?.replica.removals.list() ?? [];
  }

  stats(): Omit<DataStats, 'sessionLinks'> {
    const stats = { slotsLed: 0, slotsPartial: 0, datums: 0, publications: 0, tombstones: 0 };
    for (const { replica } of this.leadership.leaders()) {
      stats.slotsLed++;
      if (!replica.isComplete) stats.slotsPartial++;
      stats.datums += replica.datumCount;
      stats.publications += replica.publicationCount;
      stats.tombstones += replica.tombstoneCount;
    }
    return {
      ...stats,
      slotsFollowed: this.replicas.size,
      ...this.replicas.counters,
      removals: { ...this.removed },
      slotsWriting: this.disk.writingCount,
      diskFailed: this.disk.failure !== undefined,
      warm: this.warm.stats(),
    };
  }

  /** Whoever was promised changes, or waits for an answer, hears that no more will come. The contents may be needed. */
  private ended(leader: SlotLeader): void {
    const { slot, removals } = leader.replica;
    removals.counts = undefined;
    this.keyspace.ended(leader.replica);
    leader.replica.keys = undefined;
    for (const link of leader.abandoned()) this.moved(link, slot);
    leader.forgetUnconfirmed();
    this.replicas.leave(leader.replica);
  }

  private tell(nowMs: number, report: ReplicaReport): void {
    const key = `${report.type} ${report.slot} ${report.server}`;
    if (nowMs - (this.toldAtMs.get(key) ?? -Infinity) < TELL_AGAIN_MS) return;
    this.toldAtMs.set(key, nowMs);
    this.reports.push(report);
  }
}
