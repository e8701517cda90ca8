import {
  type DataToSession,
  type DatumVersion,
  type DepartedMember,
  type FromMeta,
  type LeaderToReplica,
  type LinkId,
  type Member,
  type Operation,
  type OperationResult,
  type Owner,
  type Publication,
  type ReplicaToLeader,
  type RoutingTable,
  type SessionToData,
  type SlotAssignment,
  type Stamp,
  type ToMeta,
  failure,
  seededRandom,
} from '#model';
import type { DataEffect, DataEvent, DataLimits, StoredEntry } from './contract.js';
import { DataCore } from './core.js';
import type { PersistBatch } from './durable/durable-replica.js';
import type { KeepBatch } from './warm/keeper.js';
import type { WarmCopy } from './warm/warm-copy.js';

const META = 'meta:9610';

export function member(role: Member['role'], incarnation: string): Member {
  return { role, incarnation, address: `${incarnation}:1`, httpAddress: `${incarnation}:2`, zone: 'z1', weight: 1 };
}

type KindOf<Kind extends DataToSession['kind']> = Extract<DataToSession, { kind: Kind }>;

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

/** A session server that says what the test tells it to. Everything concerns slot 0 at leaderEpoch 7 by default. */
export class TestSession {
  leaderEpoch = 7;
  link: LinkId | undefined;
  isAlive = true;
  inbox: DataToSession[] = [];
  digestNumber = 0;
  private sequence = 0;
  private requestId = 0;
  private pingedAtMs = 0;

  constructor(
    private readonly world: DataWorld,
    readonly incarnation: string,
  ) {}

  connect(): LinkId {
    this.link = this.world.newLink();
    this.world.step({
      type: 'linkUp',
      link: this.link,
      direction: 'in',
      address: `${this.incarnation}:1`,
      hello: { protocol: 1, role: 'session', incarnation: this.incarnation, clusterId: 'c1' },
    });
    return this.link;
  }

  /** Its process ends. */
  die(): void {
    this.isAlive = false;
    if (this.link !== undefined) this.world.step({ type: 'linkDown', link: this.link });
    this.link = undefined;
  }

  /** As when its machine vanishes: the link stays up. */
  fallSilent(): void {
    this.isAlive = false;
  }

  send(message: SessionToData, link = this.link): void {
    if (link !== undefined) this.world.step({ type: 'received', link, message });
  }

  apply(...operations: Operation[]): OperationResult[] {
    const { leaderEpoch } = this;
    const sequence = ++this.sequence;
    this.send({ kind: 'operations', slot: 0, leaderEpoch, tableEpoch: 5, sequence, operations });
    return this.last('applied').results;
  }

  publish(registerId: string, stamp: Stamp | null, fields: Partial<Publication> = {}): OperationResult {
    return this.apply(this.publishing(registerId, stamp, fields))[0]!;
  }

  unpublish(registerId: string, stamp: Stamp | null, dataInfoId = DATUM): OperationResult {
    return this.apply({ op: 'unpublish', registerId, dataInfoId, stamp, cause: 'unpublish' })[0]!;
  }

  publishing(registerId: string, stamp: Stamp | null, fields: Partial<Publication> = {}): Operation {
    return { op: 'publish', publication: { ...publication(registerId, this.incarnation), ...fields, stamp } };
  }

  /** Says what it holds, is asked for what differs, and sends that. */
  reconcile(held: Operation[] = [], removals: { registerId: string; stamp: Stamp }[] = []): KindOf<'want'> {
    const want = this.digest(held, removals);
    const { leaderEpoch } = this;
    const wanted = held.filter(
      (each) => each.op === 'publish' && want.registerIds.includes(each.publication.registerId),
    );
    this.send({ kind: 'reconcile', slot: 0, leaderEpoch, number: want.number, operations: wanted });
    return want;
  }

  digest(held: Operation[] = [], removals: { registerId: string; stamp: Stamp }[] = []): KindOf<'want'> {
    const { leaderEpoch } = this;
    this.send({
      kind: 'digest',
      slot: 0,
      leaderEpoch,
      tableEpoch: 5,
      number: ++this.digestNumber,
      entries: held.map((each) => {
        if (each.op !== 'publish') throw new Error('A digest lists what is live.');
        const { registerId, dataInfoId, stamp, owner } = each.publication;
        return { registerId, dataInfoId, stamp: stamp!, leased: owner.kind === 'leased' };
      }),
      removals: removals.map((each) => ({ ...each, dataInfoId: DATUM, cause: 'unpublish' as const })),
    });
    return this.last('want');
  }

  want(dataInfoId = DATUM): KindOf<'datum'> {
    this.send({ kind: 'interest', slot: 0, leaderEpoch: this.leaderEpoch, dataInfoId });
    return this.last('datum');
  }

  fetch(dataInfoId = DATUM): KindOf<'datum'> {
    this.send({ kind: 'fetch', slot: 0, leaderEpoch: this.leaderEpoch, dataInfoId, requestId: ++this.requestId });
    return this.last('datum');
  }

  renew(registerId: string, adopt = false): KindOf<'renewed'>['result'] {
    const { leaderEpoch } = this;
    const requestId = ++this.requestId;
    this.send({ kind: 'renew', slot: 0, leaderEpoch, requestId, registerId, dataInfoId: DATUM, adopt });
    return this.last('renewed').result;
  }

  /** Removes from the inbox all messages of a kind. */
  take<Kind extends DataToSession['kind']>(kind: Kind): KindOf<Kind>[] {
    const taken = this.inbox.filter((message) => message.kind === kind) as KindOf<Kind>[];
    this.inbox = this.inbox.filter((message) => message.kind !== kind);
    return taken;
  }

  /** The latest message of a kind; all of that kind leave the inbox. */
  last<Kind extends DataToSession['kind']>(kind: Kind): KindOf<Kind> {
    const message = this.take(kind).at(-1);
    if (!message) throw new Error(`${this.incarnation} got no ${kind}.`);
    return message;
  }

  hears(link: LinkId, message: DataToSession): void {
    if (link === this.link) this.inbox.push(message);
  }

  hungUp(link: LinkId): void {
    if (link !== this.link) return;
    this.link = undefined;
    this.world.step({ type: 'linkDown', link });
  }

  keepAlive(): void {
    if (!this.isAlive || this.link === undefined || this.world.nowMs - this.pingedAtMs < 1_000) return;
    this.pingedAtMs = this.world.nowMs;
    this.send({ kind: 'ping', sequence: 1 });
    this.take('pong');
  }
}

export const DATUM = 'orders#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP';

export function publication(registerId: string, session: string): Publication {
  return {
    registerId,
    dataInfoId: DATUM,
    zone: 'z1',
    appName: 'shop',
    registerTimestamp: 1,
    stamp: [1, 1, 1],
    owner: { kind: 'connected', session, connection: 1 },
    body: new Uint8Array([1, 2, 3]),
  };
}

export function leased(leaseMs: number): { owner: Owner } {
  return { owner: { kind: 'leased', leaseMs } };
}

export function stored(result: OperationResult): Extract<OperationResult, { status: 'stored' }> {
  if (result.status !== 'stored') throw new Error(`Expected to be stored, not ${result.status}.`);
  return result;
}

/** As people see a version. */
export function shown({ leaderEpoch, sequence }: DatumVersion): string {
  return `${leaderEpoch}.${sequence}`;
}

export function ids(publications: readonly { registerId: string }[]): string[] {
  return publications.map(({ registerId }) => registerId).sort();
}

function assignment(leader: string | null, leaderEpoch: number): SlotAssignment {
  return { leader, leaderEpoch, followers: [], joining: [] };
}
