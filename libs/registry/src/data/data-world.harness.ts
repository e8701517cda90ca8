import {
  DEFAULT_SWITCHES,
  type DataToSession,
  type DepartedMember,
  type FromMeta,
  type LeaderToReplica,
  type LinkId,
  type Member,
  type ReplicaToLeader,
  type RoutingTable,
  type SlotAssignment,
  type Switches,
  type ToMeta,
  failure,
  seededRandom,
} from '#model';
import type { DataEffect, DataEvent, DataLimits, StoredEntry } from './contract.js';
import { DataCore } from './core.js';
import type { PersistBatch } from './durable/durable-replica.js';
import type { KeepBatch } from './warm/keeper.js';
import { TestSession } from './test-session.harness.js';
import type { WarmCopy } from './warm/warm-copy.js';

export * from './fixtures.harness.js';
export { TestSession } from './test-session.harness.js';

const META = 'meta:9610';

export function member(role: Member['role'], incarnation: string): Member {
  return { role, incarnation, address: `${incarnation}:1`, httpAddress: `${incarnation}:2`, zone: 'z1', weight: 1 };
}

/** For tests: a data core, the meta server it joins, and session servers driven by hand, in virtual time. */
export class DataWorld {
  readonly core: DataCore;
  readonly sessions: TestSession[] = [];
  readonly reported: string[][] = [];
  readonly saved: RoutingTable[] = [];
  readonly toMeta: ToMeta[] = [];
  /** Writes to the disk that the test has not ended yet. */
  readonly persists: PersistBatch[] = [];
  readonly keeps: KeepBatch[] = [];
  /** What was sent to a leader that is followed, and the links over which it is. */
  readonly toLeader: ReplicaToLeader[] = [];
  private readonly leaderLinks = new Set<LinkId>();
  table: RoutingTable;
  nowMs = 1_000;
  /** Whether meta answers at all, and whether its word about absence counts. */
  isMetaUp = true;
  isMetaSettled = true;
  restarts = 0;
  private wakeAtMs = Infinity;
  private metaLink: LinkId | undefined;
  private switchesVersion = 0;
  private nextLink = 1;
  private readonly queue: DataEvent[] = [];

  constructor(
    options: {
      sessions?: string[];
      departed?: string[];
      limits?: Partial<DataLimits>;
      lead?: boolean;
      isMetaUp?: boolean;
      /** Starts on the table that an earlier incarnation, d0 at the address of d1, has saved. */
      savedBy?: 'd0';
      run?: number;
      diskId?: string;
      /** What is on that disk already. */
      stored?: StoredEntry[];
      warm?: WarmCopy;
    } = {},
  ) {
    const { diskId, stored, warm } = options;
    const self = { ...member('data', 'd1'), ...(diskId === undefined ? {} : { diskId }) };
    this.isMetaUp = options.isMetaUp ?? true;
    const lead = options.lead ?? true;
    this.table = {
      clusterId: 'c1',
      epoch: 5,
      slots: [assignment(options.savedBy ?? (lead ? 'd1' : 'd2'), 7)],
      members: [
        { ...self, incarnation: options.savedBy ?? 'd1' },
        ...(options.sessions ?? []).map((name) => member('session', name)),
      ],
      departed: (options.departed ?? []).map((incarnation) => ({ role: 'session', incarnation, cause: 'expired' })),
    };
    const { limits } = options;
    this.core = new DataCore({
      self,
      metaAddresses: [META],
      random: seededRandom(1),
      run: options.run ?? 1,
      ...(options.savedBy ? { table: this.table } : {}),
      ...(limits ? { limits } : {}),
      ...(stored ? { stored } : {}),
      ...(warm ? { warm } : {}),
    });
    this.step({ type: 'start' });
    this.settle();
  }

  session(incarnation: string): TestSession {
    const session = new TestSession(this, incarnation);
    this.sessions.push(session);
    session.connect();
    return session;
  }

  /** What operators switch, as meta tells it. */
  switch(changes: Partial<Switches>): void {
    const switches = { ...DEFAULT_SWITCHES, ...changes };
    this.fromMeta({ kind: 'switches', version: ++this.switchesVersion, switches });
    this.settle();
  }

  /** Commits a change of the table and streams it. */
  change(change: (table: RoutingTable) => void): void {
    this.table = structuredClone(this.table);
    change(this.table);
    this.table.epoch++;
    this.fromMeta({ kind: 'table', table: this.table });
    this.settle();
  }

  join(...sessions: string[]): void {
    this.change((table) => table.members.push(...sessions.map((name) => member('session', name))));
  }

  /** The session incarnation leaves the table. */
  expire(incarnation: string, cause: DepartedMember['cause'] = 'expired'): void {
    this.change((table) => {
      table.members = table.members.filter((each) => each.incarnation !== incarnation);
      table.departed.push({ role: 'session', incarnation, cause });
    });
  }

  /** So many servers of a role are missed; or no longer. */
  protect(isProtected: boolean, role: Member['role'] = 'session'): void {
    this.change((table) => (table.protections = isProtected ? [{ role, sinceEpoch: table.epoch, expected: 9 }] : []));
  }

  assign(leader: string | null, leaderEpoch: number): void {
    this.change((table) => (table.slots[0] = assignment(leader, leaderEpoch)));
  }

  /** Meta no longer knows this incarnation. */
  expel(): void {
    this.fromMeta({ kind: 'refused', failure: failure('NOT_MEMBER') });
  }

  /** Lets time pass, in which the core is woken when it asks and live sessions ping. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(endMs, this.nowMs + 100, Math.max(this.nowMs + 1, this.wakeAtMs));
      if (this.nowMs >= this.wakeAtMs) this.wake();
      for (const session of this.sessions) session.keepAlive();
    }
  }

  /** This process stands still, then is woken. */
  pause(ms: number): void {
    this.nowMs += ms;
    this.wake();
  }

  /** Events that effects give rise to wait their turn, as they do in a host. */
  step(event: DataEvent): void {
    this.queue.push(event);
    if (this.queue.length > 1) return;
    for (; this.queue.length > 0; this.queue.shift()) {
      for (const effect of this.core.step(this.nowMs, this.queue[0]!)) this.perform(effect);
    }
  }

  newLink(): LinkId {
    return this.nextLink++;
  }

  private wake(): void {
    this.wakeAtMs = Infinity;
    this.step({ type: 'wake' });
    this.settle();
  }

  private settle(): void {
    for (let turn = 0; this.wakeAtMs <= this.nowMs && turn < 100; turn++) {
      this.wakeAtMs = Infinity;
      this.step({ type: 'wake' });
    }
  }

  private fromMeta(message: FromMeta): void {
    if (this.metaLink !== undefined && this.isMetaUp) this.step({ type: 'received', link: this.metaLink, message });
  }

  private perform(effect: DataEffect): void {
    switch (effect.type) {
      case 'wake':
        this.wakeAtMs = effect.atMs;
        break;
      case 'saveTable':
        this.saved.push(effect.table);
        break;
      case 'saveSwitches':
        break;
      case 'persist':
        this.persists.push(effect);
        break;
      case 'keep':
        this.keeps.push(effect);
        break;
      case 'restart':
        this.restarts++;
        break;
      case 'dial':
        if (effect.address !== META) {
          this.leaderAnswers(effect.address);
          break;
        }
        if (!this.isMetaUp) {
          const { address } = effect;
          this.step({ type: 'dialFailed', address, reason: 'refused', message: 'Nobody listens.' });
          break;
        }
        this.metaLink = this.newLink();
        this.step({
          type: 'linkUp',
          link: this.metaLink,
          direction: 'out',
          address: effect.address,
          hello: { protocol: 1, role: 'meta', incarnation: 'm1', clusterId: 'c1' },
        });
        break;
      case 'hangUp':
        if (effect.link === this.metaLink) {
          this.metaLink = undefined;
          this.step({ type: 'linkDown', link: effect.link });
        } else for (const session of this.sessions) session.hungUp(effect.link);
        break;
      case 'send':
        if (effect.link === this.metaLink) this.metaHears(effect.message as ToMeta);
        else if (this.leaderLinks.has(effect.link)) this.toLeader.push(effect.message as ReplicaToLeader);
        else for (const session of this.sessions) session.hears(effect.link, effect.message as DataToSession);
        break;
      case 'log':
    }
  }

  /** What a leader says that is followed here. */
  fromLeader(message: LeaderToReplica): void {
    for (const link of this.leaderLinks) this.step({ type: 'received', link, message });
  }

  private leaderAnswers(address: string): void {
    const link = this.newLink();
    this.leaderLinks.add(link);
    const hello = { protocol: 1, role: 'data' as const, incarnation: address.split(':')[0]!, clusterId: 'c1' };
    this.step({ type: 'linkUp', link, direction: 'out', address, hello });
  }

  private metaHears(message: ToMeta): void {
    if (!this.isMetaUp) return;
    this.toMeta.push(message);
    if (message.kind === 'join') {
      const { incarnation } = message.member;
      this.fromMeta({ kind: 'joined', clusterId: 'c1', incarnation, leaseMs: 3_000, heartbeatMs: 500 });
      this.fromMeta({ kind: 'table', table: this.table });
    } else if (message.kind === 'heartbeat') {
      this.reported.push(message.unreconciled ?? []);
      const { sequence } = message;
      this.fromMeta({ kind: 'heartbeatAck', sequence, tableEpoch: this.table.epoch, settled: this.isMetaSettled });
    }
  }
}

function assignment(leader: string | null, leaderEpoch: number): SlotAssignment {
  return { leader, leaderEpoch, followers: [], joining: [] };
}
