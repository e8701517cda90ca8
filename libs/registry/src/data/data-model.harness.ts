import { type Stamp, compareStamps } from '#model';
import { DATUM, DataWorld, publication } from './data-world.harness.js';
import { ModelSession } from './model-session.harness.js';
import { ModelWatcher } from './model-watcher.harness.js';

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

/** For property tests: clients that publish through session servers that crash, lose links and hear late. */
export class DataModel {
  readonly world: DataWorld;
  readonly clients: Client[];
  readonly sessions: ModelSession[] = [];
  readonly watcher: ModelWatcher;
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
    this.watcher = new ModelWatcher(this.world.session('watcher'));
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

  /** The client is told, and raises its stamp; unless it has gone elsewhere meanwhile. */
  refused(session: ModelSession, registerId: string, held: Stamp): void {
    const client = this.clients.find((each) => each.registerId === registerId)!;
    if (client.at !== session) return;
    client.stamp = [held[0], held[1] + 1, client.stamp[2]];
    if (client.wantsLive) this.publish(client, client.port);
    else session.record(registerId, { stamp: client.stamp, publication: undefined, cause: 'unpublish' });
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
