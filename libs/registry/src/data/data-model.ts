import {
  type Publication,
  type RemovalCause,
  type Stamp,
  type DatumVersion,
  compareStamps,
  compareVersions,
} from '#model';
import { merge } from '../merge.js';
import { DATUM, DataWorld, type TestSession, publication } from './data-world.js';

/** For property tests: clients that publish through session servers that crash, lose links and hear late. */
interface Client {
  registerId: string;
  /** The session server it is connected to, if any. */
  at: ModelSession | undefined;
  stamp: Stamp;
  wantsLive: boolean;
  port: number;
  /** When the leader last heard of the session server that crashed under it. */
  orphanedAtMs: number;
}

interface Holding {
  stamp: Stamp;
  publication: Publication | undefined;
  cause: RemovalCause;
}

class ModelSession {
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
    private readonly model: DataModel,
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
      tableEpoch: this.model.world.table.epoch,
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
    this.unheardSinceMs = this.model.world.nowMs;
    this.lost();
    this.model.world.step({ type: 'linkDown', link });
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
    const client = this.model.clients.find((each) => each.registerId === registerId)!;
    if (client.at === this) this.model.refused(client, held);
  }
}

/** A session server's view of the datum, kept by the rules of the protocol, and checked at every message. */
class Watcher {
  version: DatumVersion = { leaderEpoch: 0, sequence: 0 };
  isComplete = false;
  readonly held = new Map<string, { stamp: Stamp; publication: Publication | undefined }>();

  constructor(
    readonly wire: TestSession,
    private readonly contents: Map<string, string>,
  ) {}

  live(): Publication[] {
    return [...this.held.values()].flatMap(({ publication }) => publication ?? []);
  }

  listen(): void {
    const { inbox } = this.wire;
    this.wire.inbox = [];
    for (const message of inbox) {
      if (message.kind === 'datum') {
        if (compareVersions(message.version, this.version) < 0) throw new Error('A version went back.');
        this.version = message.version;
        this.isComplete = message.complete;
        if (message.complete) this.held.clear();
        for (const each of message.publications) this.take(each.registerId, each.stamp, each);
      } else if (message.kind === 'change') {
        if (compareVersions(message.from, this.version) !== 0) throw new Error('A change does not fit its base.');
        if (compareVersions(message.to, message.from) < 0) throw new Error('A version went back.');
        if (message.complete && !this.isComplete) throw new Error('A change made the datum complete.');
        this.version = message.to;
        for (const each of message.upserts) this.take(each.registerId, each.stamp, each);
        for (const { registerId, stamp } of message.removals) this.take(registerId, stamp, undefined);
      }
      if (this.isComplete) this.remember();
    }
  }

  private take(registerId: string, stamp: Stamp, publication: Publication | undefined): void {
    const held = this.held.get(registerId);
    const verdict = merge(held && { stamp: held.stamp, live: held.publication !== undefined }, {
      stamp,
      live: publication !== undefined,
    });
    if (verdict === 'take') this.held.set(registerId, { stamp, publication });
  }

  /** Invariant 4: one complete version has one content. */
  private remember(): void {
    const version = `${this.version.leaderEpoch}.${this.version.sequence}`;
    const content = this.live()
      .map(({ registerId, body }) => `${registerId}=${body[0]}`)
      .sort()
      .join(' ');
    const known = this.contents.get(version);
    if (known !== undefined && known !== content) throw new Error(`${version} was "${known}" and is "${content}".`);
    this.contents.set(version, content);
  }
}

/** So long at least a crashed session server is not missed: the grace, less what its last frame may be old. */
const MISSED_MS = 3_900;

export interface Action {
  kind:
    | 'publish'
    | 'unpublish'
    | 'move'
    | 'clean-up'
    | 'break-link'
    | 'connect'
    | 'digest'
    | 'reconcile'
    | 'crash'
    | 'time'
    | 'change-leader'
    | 'reconcile-one'
    | 'reconcile-all'
    | 'forget';
  /** Chooses a client, or how much time passes. */
  a: number;
  /** Chooses a session server. */
  b: number;
}

export class DataModel {
  readonly world: DataWorld;
  readonly clients: Client[];
  readonly sessions: ModelSession[] = [];
  readonly watcher: Watcher;
  leaderEpoch = 7;
  private incarnations = 0;
  /** Stored at a complete leader: while its session server lives, and for a grace after, it must stay in sight. */
  private readonly steady = new Map<Client, Stamp>();

  constructor(clients: number, sessions: number) {
    const names = Array.from({ length: sessions }, () => this.nextName());
    this.world = new DataWorld({ sessions: names });
    for (const name of names) this.sessions.push(new ModelSession(this.world.session(name), this));
    this.clients = Array.from({ length: clients }, (_, i) => ({
      registerId: `c${i}`,
      at: undefined,
      stamp: [100 + i, 0, i],
      wantsLive: false,
      port: 0,
      orphanedAtMs: -Infinity,
    }));
    this.watcher = new Watcher(this.world.session('watcher'), new Map());
    this.watch();
    for (const session of this.sessions) {
      session.open(this.leaderEpoch);
      session.answer();
    }
  }

  act({ kind, a, b }: Action): void {
    const client = this.clients[a % this.clients.length]!;
    const session = this.sessions[b % this.sessions.length]!;
    switch (kind) {
      case 'publish':
        if (session.isAlive && (client.at === undefined || client.at === session)) {
          client.at = session;
          this.publish(client, b);
        }
        break;
      case 'unpublish':
        if (client.at && client.wantsLive) {
          client.wantsLive = false;
          client.stamp = [client.stamp[0], client.stamp[1] + 1, client.stamp[2]];
          client.at.record(client.registerId, { stamp: client.stamp, publication: undefined, cause: 'unpublish' });
        }
        break;
      case 'move':
        // The client's connection breaks; it replays elsewhere, and its old session server does not know yet.
        if (client.at && client.wantsLive && session.isAlive && client.at !== session) {
          client.at = session;
          this.publish(client, client.port);
        }
        break;
      case 'clean-up':
        this.cleanUp(session);
        break;
      case 'break-link':
        session.breakLink();
        break;
      case 'connect':
        session.connect();
        break;
      case 'digest':
        session.open(this.leaderEpoch);
        break;
      case 'reconcile':
        session.answer();
        break;
      case 'crash':
        if (session.isAlive) this.crash(session, a % 2 === 0);
        break;
      case 'time':
        this.world.advance(50 + (a % 40) * 100);
        break;
      case 'change-leader':
        this.changeLeader();
        break;
      case 'reconcile-one':
        session.open(this.leaderEpoch);
        session.answer();
        break;
      case 'reconcile-all':
        for (const each of this.sessions) {
          if (!each.isOpen) each.connect();
          each.open(this.leaderEpoch);
          each.answer();
        }
        break;
      case 'forget':
        session.forgetRemovals();
        break;
    }
    this.check();
  }

  /** Faults end: everyone is back and says all there is to say. */
  heal(): void {
    for (const client of this.clients) {
      if (client.at?.isAlive || !client.wantsLive) continue;
      client.at = this.sessions.find(({ isAlive }) => isAlive);
      this.publish(client, client.port);
    }
    for (const session of this.sessions) {
      if (!session.isAlive) continue;
      this.cleanUp(session);
      session.connect();
      session.open(this.leaderEpoch);
      session.answer();
    }
    this.check();
    this.world.advance(20_000);
    this.check();
  }

  /** What should be visible when all is calm. */
  truth(): Record<string, string> {
    return shownOf(this.clients.filter((client) => client.wantsLive));
  }

  atLeader(): Record<string, string> {
    return shownOf(this.world.core.datum(DATUM)!.publications);
  }

  atWatcher(): Record<string, string> {
    return shownOf(this.watcher.live());
  }

  refused(client: Client, held: Stamp): void {
    client.stamp = [held[0], held[1] + 1, client.stamp[2]];
    if (client.wantsLive) this.publish(client, client.port);
    else client.at?.record(client.registerId, { stamp: client.stamp, publication: undefined, cause: 'unpublish' });
  }

  private publish(client: Client, port: number): void {
    const session = client.at!;
    client.wantsLive = true;
    client.port = port;
    client.stamp = [client.stamp[0], client.stamp[1] + 1, client.stamp[2]];
    session.record(client.registerId, {
      stamp: client.stamp,
      publication: {
        ...publication(client.registerId, session.wire.incarnation),
        stamp: client.stamp,
        body: new Uint8Array([port % 4]),
      },
      cause: 'unpublish',
    });
  }

  private cleanUp(session: ModelSession): void {
    if (!session.isAlive) return;
    for (const [registerId, { stamp, publication: live }] of session.holdings) {
      const client = this.clients.find((each) => each.registerId === registerId)!;
      if (live && client.at !== session) {
        session.record(registerId, { stamp, publication: undefined, cause: 'grace-expired' });
      }
    }
  }

  private crash(session: ModelSession, withClients: boolean): void {
    session.crash();
    for (const client of this.clients) {
      if (client.at !== session) continue;
      client.at = undefined;
      client.orphanedAtMs = session.unheardSinceMs ?? this.world.nowMs;
      // Some stood on the same machine.
      if (withClients) client.wantsLive = false;
    }
    const name = this.nextName();
    this.world.join(name);
    this.world.expire(session.wire.incarnation, 'replaced');
    this.sessions[this.sessions.indexOf(session)] = new ModelSession(this.world.session(name), this);
  }

  private changeLeader(): void {
    this.leaderEpoch++;
    this.world.assign('d1', this.leaderEpoch);
    this.watch();
  }

  private watch(): void {
    this.watcher.wire.send({ kind: 'interest', slot: 0, leaderEpoch: this.leaderEpoch, dataInfoId: DATUM });
  }

  private nextName(): string {
    return `s${++this.incarnations}`;
  }

  private check(): void {
    this.watcher.listen();
    const leader = this.world.core.datum(DATUM)!;
    const stored = new Map(leader.publications.map((each) => [each.registerId, each]));
    const seen = new Map(this.watcher.live().map((each) => [each.registerId, each]));
    if (leader.complete !== this.watcher.isComplete) throw new Error('The watcher was not told of completeness.');
    if (leader.complete && JSON.stringify(this.atLeader()) !== JSON.stringify(this.atWatcher())) {
      throw new Error('Leader and watcher differ.');
    }
    for (const client of this.clients) {
      const { at, stamp, wantsLive, registerId } = client;
      // What an open, reconciled session server says of its clients is so at the leader, whatever else went on.
      if (at?.isAlive && at.isOpen && at.isReconciled && at.leaderEpoch === this.leaderEpoch) {
        const held = stored.get(registerId);
        if (wantsLive && !(held && compareStamps(held.stamp, stamp) === 0)) {
          throw new Error(`${registerId} was lost at the leader.`);
        }
        const removed = at.holdings.get(registerId);
        const isRemoved = removed && !removed.publication && compareStamps(removed.stamp, stamp) === 0;
        if (isRemoved && held) throw new Error(`${registerId} is a ghost at the leader.`);
        if (wantsLive && leader.complete) this.steady.set(client, stamp);
      }
      const steady = this.steady.get(client);
      if (!steady) continue;
      const isOrphan = at === undefined && this.world.nowMs > client.orphanedAtMs + MISSED_MS;
      if (!wantsLive || isOrphan || compareStamps(steady, stamp) !== 0) this.steady.delete(client);
      else if (!seen.has(registerId)) throw new Error(`${registerId} disappeared from sight.`);
    }
  }
}

function shownOf(list: readonly { registerId: string; stamp: Stamp }[]): Record<string, string> {
  const sorted = list.map(({ registerId, stamp }) => [registerId, stamp.join('.')] as const);
  return Object.fromEntries(sorted.sort(([a], [b]) => (a < b ? -1 : 1)));
}
