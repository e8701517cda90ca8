import {
  type DataToSession,
  type DatumVersion,
  type FromMeta,
  type OperationResult,
  type Owner,
  type Publication,
  type Removal,
  type RoutingTable,
  type SessionToData,
  type Stamp,
  seededRandom,
  toDataInfoId,
} from '#model';
import type {
  PushFrame,
  SessionEffect,
  SessionEvent,
  SessionOperation,
  SessionOptions,
  SessionRequest,
} from './contract.js';
import { SessionCore } from './core.js';
import { frameLine, operationLine, replyLine, stampIn } from './lines.harness.js';

export const WALL_MS = 1_700_000_000_000;
/** The datum that the tests speak of unless they say otherwise. */
export const DATUM = datumId('d');

export function datumId(dataId: string): string {
  return toDataInfoId({ dataId, group: 'g', instanceId: 'i' });
}

export function stampOf(version: number, nonce = 7): Stamp {
  return [WALL_MS, version, nonce];
}

export function versionOf(sequence: number, leaderEpoch = 1): DatumVersion {
  return { leaderEpoch, sequence };
}

export function publicationOf(registerId: string, version = 1, fields: Partial<Publication> = {}): Publication {
  return {
    ...{ registerId, dataInfoId: DATUM, zone: 'z', appName: '', registerTimestamp: WALL_MS, stamp: stampOf(version) },
    ...{ owner: { kind: 'connected', session: 'other', connection: 1 } as Owner, body: Uint8Array.of(version) },
    ...fields,
  };
}

export function removalOf(registerId: string, version = 1): Removal {
  return { registerId, stamp: stampOf(version), cause: 'unpublish' };
}

export function tableOf(epoch: number, leader: string | null = 'd1', leaderEpoch = 1): RoutingTable {
  const data = (incarnation: string): RoutingTable['members'][0] => ({
    ...{ role: 'data', incarnation, address: `${incarnation}:1`, httpAddress: '', zone: 'z', weight: 1 },
  });
  return {
    ...{ clusterId: 'cluster', epoch, departed: [] },
    slots: [{ leader, leaderEpoch, followers: [], joining: [] }],
    members: [
      { role: 'session', incarnation: 's1', address: 's1:1', httpAddress: '', zone: 'z', weight: 1 },
      ...(leader === null ? [] : [data(leader)]),
    ],
  };
}

/** With session servers at these addresses, beside `s1`. */
export function withOthers(epoch: number, ...addresses: string[]): RoutingTable {
  const table = tableOf(epoch);
  const [self] = table.members;
  const others = addresses.map((address) => ({ ...self!, incarnation: address, address }));
  return { ...table, members: [...table.members, ...others] };
}

/** A session core under virtual time; meta, data servers and clients are the test. What it does reads as a transcript. */
export class SessionHarness {
  readonly core: SessionCore;
  nowMs = 1_000;
  wallMs = WALL_MS;
  readonly effects: SessionEffect[] = [];
  /** The link to the newest data server. */
  data = 0;
  private meta = 0;
  private readonly linkNames = new Map<number, string>();
  private links = 0;
  private requests = 0;
  private unread = 0;
  private wakeAtMs = Infinity;

  constructor(options: Partial<SessionOptions> = {}, seed = 1) {
    this.core = new SessionCore({
      self: { role: 'session', incarnation: 's1', address: 's1:1', httpAddress: '', zone: 'z', weight: 1 },
      metaAddresses: ['m:1'],
      random: seededRandom(seed),
      ...options,
      limits: { compareMs: Infinity, ...options.limits },
    });
  }

  /** Joined, with one slot that `d1` leads, reconciled with nothing held. */
  static ready(options: Partial<SessionOptions> = {}): SessionHarness {
    const session = new SessionHarness(options).joined();
    session.table(tableOf(1));
    session.dataUp('d1');
    session.reconcile();
    session.transcript();
    return session;
  }

  joined(heartbeatMs = 1e9): this {
    this.do({ type: 'start' });
    this.meta = ++this.links;
    const hello = { protocol: 1, role: 'meta' as const, incarnation: 'm', clusterId: 'cluster' };
    this.do({ type: 'linkUp', link: this.meta, direction: 'out', address: 'm:1', hello });
    this.fromMeta({ kind: 'joined', clusterId: 'cluster', incarnation: 's1', leaseMs: 3e9, heartbeatMs });
    this.transcript();
    return this;
  }

  table(table: RoutingTable): void {
    this.fromMeta({ kind: 'table', table });
  }

  fromMeta(message: FromMeta): void {
    this.do({ type: 'received', link: this.meta, message });
  }

  /** The data server takes the dial. */
  dataUp(incarnation: string, address = `${incarnation}:1`): number {
    this.data = ++this.links;
    this.linkNames.set(this.data, incarnation);
    const hello = { protocol: 1, role: 'data' as const, incarnation, clusterId: 'cluster' };
    this.do({ type: 'linkUp', link: this.data, direction: 'out', address, hello });
    return this.data;
  }

  dataDown(link = this.data): void {
    this.do({ type: 'linkDown', link });
  }

  fromData(message: DataToSession, link = this.data): void {
    this.do({ type: 'received', link, message });
  }

  /** Answers the last digest: the leader wants these, and holds newer stamps for those. */
  want(registerIds: string[] = [], stale: { registerId: string; held: Stamp }[] = []): void {
    const { slot, leaderEpoch, number } = this.lastSent('digest');
    this.fromData({ kind: 'want', slot, leaderEpoch, number, registerIds, stale });
  }

  /** Answers the last comparison. */
  compared(agrees: boolean): void {
    const { slot, leaderEpoch, number } = this.lastSent('summary');
    this.fromData({ kind: 'compared', slot, leaderEpoch, number, agrees });
  }

  reconciled(stale: { registerId: string; held: Stamp }[] = []): void {
    const { slot, leaderEpoch, number } = this.lastSent('reconcile');
    this.fromData({ kind: 'reconciled', slot, leaderEpoch, number, stale });
  }

  reconcile(): void {
    this.want();
    this.reconciled();
  }

  /** Answers the last operations; `stored` in each case unless told. */
  applied(results?: OperationResult[], sequence = 1): void {
    const sent = this.lastSent('operations');
    const stored = sent.operations.map((operation, index): OperationResult => ({
      status: 'stored',
      stamp: stampIn(operation) ?? [sent.leaderEpoch, sequence + index, 0],
      version: { leaderEpoch: sent.leaderEpoch, sequence: sequence + index },
    }));
    const { slot, leaderEpoch } = sent;
    this.fromData({ kind: 'applied', slot, leaderEpoch, sequence: sent.sequence, results: results ?? stored });
  }

  datum(sequence: number, publications: Publication[], complete = true, leaderEpoch = 1, dataInfoId = DATUM): void {
    this.calm();
    const version = { leaderEpoch, sequence };
    this.fromData({ kind: 'datum', slot: 0, leaderEpoch, dataInfoId, version, complete, publications });
  }

  /** From the leader at leaderEpoch 2: the datum is what hashes to this. */
  same(sequence: number, hash: string, complete: boolean, leaderEpoch = 2): void {
    const version = { leaderEpoch, sequence };
    this.fromData({ kind: 'same', slot: 0, leaderEpoch, dataInfoId: DATUM, version, complete, hash });
  }

  change(
    from: number,
    to: number,
    upserts: Publication[],
    removals: Removal[] = [],
    complete = true,
    leaderEpoch = 1,
  ): void {
    this.calm();
    this.fromData({
      ...{ kind: 'change', slot: 0, leaderEpoch, dataInfoId: DATUM, complete, upserts, removals },
      ...{ from: { leaderEpoch, sequence: from }, to: { leaderEpoch, sequence: to } },
    });
  }

  /** A moment after which pushes of before are no load any more. */
  calm(): void {
    this.pass(this.calmMs);
  }

  calmMs = 5;

  moved(tableEpoch = 1): void {
    this.fromData({ kind: 'moved', slot: 0, leaderEpoch: 0, tableEpoch });
  }

  connect(...connections: number[]): void {
    for (const connection of connections) this.do({ type: 'clientConnected', connection, address: `c${connection}` });
  }

  disconnect(connection: number): void {
    this.do({ type: 'clientDisconnected', connection });
  }

  request(connection: number, request: SessionRequest): number {
    const requestId = ++this.requests;
    this.do({ type: 'request', connection, requestId, wallMs: this.wallMs, request });
    return requestId;
  }

  publish(connection: number, registerId: string, version: number | null = 1, dataInfoId = DATUM): void {
    this.request(connection, { kind: 'apply', operations: [publishOf(registerId, version, dataInfoId)] });
  }

  unpublish(connection: number, registerId: string, version: number | null = 2): void {
    const stamp = version === null ? null : stampOf(version);
    this.request(connection, {
      kind: 'apply',
      operations: [{ op: 'unpublish', registerId, dataInfoId: DATUM, stamp }],
    });
  }

  subscribe(
    connection: number,
    fields: Partial<Extract<SessionRequest, { kind: 'subscribe' }>> = {},
    subscriptionId = 's',
  ): void {
    const view = { dataInfoId: DATUM, scope: 'global' as const, zone: 'z' };
    this.request(connection, { kind: 'subscribe', subscriptionId, ...view, ...fields });
  }

  ack(connection: number, version: string, subscriptionId = 's'): void {
    this.request(connection, { kind: 'ack', subscriptionId, version });
  }

  query(fields: Partial<Extract<SessionRequest, { kind: 'query' }>> = {}): void {
    this.request(0, { kind: 'query', dataInfoId: DATUM, scope: 'global', zone: 'z', ...fields });
  }

  do(event: SessionEvent): SessionEffect[] {
    const effects = this.core.step(this.nowMs, event);
    for (const effect of effects) {
      if (effect.type === 'wake') this.wakeAtMs = effect.atMs;
      else this.effects.push(effect);
    }
    return effects;
  }

  /** Lets time pass, with every wake at its time. Data servers answer pings. */
  pass(ms: number): this {
    const untilMs = this.nowMs + ms;
    for (let wakes = 0; this.wakeAtMs <= untilMs; wakes++) {
      if (wakes > 10_000) throw new Error('The core never rests.');
      this.nowMs = Math.max(this.nowMs, this.wakeAtMs);
      this.wakeAtMs = Infinity;
      for (const effect of this.do({ type: 'wake' }))
        if (effect.type === 'send' && effect.message.kind === 'ping' && !this.isSilent)
          this.fromData(
            { kind: 'pong', sequence: effect.message.sequence, tableEpoch: 0, ...this.clock() },
            effect.link,
          );
    }
    this.nowMs = untilMs;
    return this;
  }

  /** How many have been sent. */
  get pings(): number {
    return this.effects.filter((effect) => effect.type === 'send' && effect.message.kind === 'ping').length;
  }

  /** By how much the clocks of data servers are ahead of this one's; undefined where they do not tell. */
  clockAheadMs: number | undefined;

  private clock(): { clockMs?: number } {
    return this.clockAheadMs === undefined ? {} : { clockMs: this.nowMs + this.clockAheadMs };
  }

  /** Data servers answer no pings. */
  isSilent = false;

  /** The process stands still: time passes without a wake, then the overdue one comes. */
  stall(ms: number): this {
    this.nowMs += ms;
    this.wakeAtMs = Infinity;
    this.do({ type: 'wake' });
    return this;
  }

  lastSent<Kind extends SessionToData['kind']>(kind: Kind): Extract<SessionToData, { kind: Kind }> {
    const found = this.effects.findLast((effect) => effect.type === 'send' && effect.message.kind === kind);
    if (!found) throw new Error(`No ${kind} was sent.`);
    return (found as unknown as { message: Extract<SessionToData, { kind: Kind }> }).message;
  }

  frames(connection?: number): PushFrame[] {
    return this.effects.flatMap((effect) =>
      effect.type === 'push' && (connection === undefined || effect.connection === connection) ? [effect.frame] : [],
    );
  }

  /** What was done since the last call, a line each; pings, heartbeats and the saving of tables left out. */
  transcript(): string[] {
    const fresh = this.effects.slice(this.unread);
    this.unread = this.effects.length;
    return fresh.flatMap((effect) => this.lineOf(effect) ?? []);
  }

  private lineOf(effect: SessionEffect): string | undefined {
    switch (effect.type) {
      case 'send':
        return this.sentLine(effect.link, effect.message as SessionToData);
      case 'reply':
        return `c${effect.connection} <- ${replyLine(effect.reply)}`;
      case 'fail':
        return `c${effect.connection} <- ${effect.failure.code}`;
      case 'push':
        return `c${effect.connection}/${effect.subscriptionId} <- ${frameLine(effect.frame)}`;
      case 'notice': {
        const { notice } = effect;
        return `c${effect.connection} <- ${notice.type}${notice.type === 'stale' ? ` ${notice.registerId} below ${notice.held[1]}` : ''}`;
      }
      case 'dial':
        return `dial ${effect.address}`;
      case 'hangUp':
        return `hang up ${this.linkNames.get(effect.link) ?? effect.link}`;
      case 'closeClient':
        return `close c${effect.connection}`;
      case 'restart':
      case 'drained':
        return effect.type;
      case 'log':
        return effect.level === 'error' ? `log ${effect.event} ${JSON.stringify(effect.fields)}` : undefined;
      default:
        return undefined;
    }
  }

  private sentLine(link: number, message: SessionToData): string | undefined {
    const to = `${this.linkNames.get(link)} <-`;
    switch (message.kind) {
      case 'digest': {
        const entries = message.entries.map(({ registerId, stamp }) => ` ${registerId}@${stamp[1]}`);
        const removals = message.removals.map(({ registerId, stamp }) => ` -${registerId}@${stamp[1]}`);
        return `${to} digest${entries.join('')}${removals.join('')}`;
      }
      case 'operations':
      case 'reconcile':
        return [to, message.kind, ...message.operations.map(operationLine)].join(' ');
      case 'interest':
      case 'disinterest':
      case 'fetch':
        return `${to} ${message.kind} ${message.dataInfoId.split('#')[0]}`;
      case 'renew':
        return `${to} renew ${message.registerId.split('.').at(-1)}${message.adopt ? ' and adopt' : ''}`;
      case 'announce':
        return `${to} announce ${message.publication.registerId}`;
      case 'tableRequest':
      case 'table':
      case 'summary':
        return `${to} ${message.kind}`;
      default:
        return undefined;
    }
  }
}

export function publishOf(registerId: string, version: number | null = 1, dataInfoId = DATUM): SessionOperation {
  return {
    ...{ op: 'publish', registerId, dataInfoId, zone: 'z', appName: '', registerTimestamp: 0, replay: false },
    ...{ stamp: version === null ? null : stampOf(version), body: Uint8Array.of(version ?? 0) },
  };
}
