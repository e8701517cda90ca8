import type { RaftNodeLimits } from '#consensus';
import { type Switches, parseDataInfoId } from '#model';
import { decodeBody } from './bodies.js';
import type { SimApplication, SimPublisher, SimSnapshot, SimSubscriber } from './application.js';
import type { SimClient } from './client-host.js';
import { SimClient as Client } from './client-host.js';
import type { Isolation } from './copy.js';
import { type Cores, realCores } from './cores.js';
import { DataHost } from './data-host.js';
import { MetaHost } from './meta-host.js';
import { type Observer, Violation } from './observer.js';
import { SimOperator } from './operator.js';
import { SimCurl, SimStock } from './raw-client.js';
import { direct, directTransit } from './relayed.js';
import { addressOf } from './server-host.js';
import { SessionHost } from './session-host.js';
import type { Transit } from './network.js';
import { World } from './world.js';

export interface ClusterOptions {
  seed: number;
  /** Meta servers, which make one Raft group; 1 unless said otherwise. */
  metas?: 1 | 3 | 5;
  data?: number;
  sessions?: number;
  clients?: number;
  slotCount?: number;
  /** Of the Raft nodes. */
  raft?: Partial<RaftNodeLimits>;
  /** Data servers that hold each slot; 2 by default, as far as there are as many. */
  replicas?: number;
  /** Nodes are put into these in turn. */
  zones?: string[];
  isolation?: Isolation;
  /** What watches the run. */
  observers?: ((cluster: Cluster) => Observer)[];
  /** Is told every line of the transcript, and every message as a line. */
  trace?: (line: string) => void;
  /** Other brains than the real ones: to plant a defect and see it found. */
  cores?: Partial<Cores>;
}

type Node = MetaHost | DataHost | SessionHost | SimClient;

/** One client in so many takes no deltas. */
const WITHOUT_DELTAS = 4;

/** `until` looks this often. */
const LOOK_EVERY_MS = 5;

/** A whole Rollcall in one process, on virtual time, driven by one seed. Nodes are called `data-1`, `client-3`, ... */
export class Cluster {
  readonly world: World;
  readonly metas: MetaHost[] = [];
  readonly data: DataHost[] = [];
  readonly sessions: SessionHost[] = [];
  readonly clients: SimClient[] = [];
  /** Those who publish over HTTP, and over a stock ClientProxy. */
  readonly curls: SimCurl[] = [];
  readonly stocks: SimStock[] = [];
  /** Those who keep persistent publications. */
  readonly operators: SimOperator[] = [];
  private readonly cores: Cores;
  private readonly observers: Observer[] = [];
  private readonly zones: string[];

  constructor(private readonly options: ClusterOptions) {
    this.cores = { ...realCores, ...options.cores };
    this.zones = options.zones ?? ['zone-1'];
    this.world = new World({
      seed: options.seed,
      ...(options.isolation ? { isolation: options.isolation } : {}),
      tap: (message) => this.transit(message),
    });
    this.world.transcript.onLine = options.trace;
    this.makeMetas();
    for (let i = 0; i < (options.data ?? 1); i++) this.newData();
    for (let i = 0; i < (options.sessions ?? 1); i++) this.newSession();
    for (const observe of options.observers ?? []) this.observers.push(observe(this));
    for (const server of this.servers) this.soon(() => server.start());
    for (let i = 0; i < (options.clients ?? 1); i++) this.addClient();
  }

  get servers(): (MetaHost | DataHost | SessionHost)[] {
    return [...this.metas, ...this.data, ...this.sessions];
  }

  /** The meta server that knows the newest committed state; of those that know as much, one that leads. */
  get meta(): MetaHost {
    const leads = ({ raftStatus }: MetaHost): number => (raftStatus?.role === 'leader' ? 1 : 0);
    return this.metas.toSorted((a, b) => b.index - a.index || leads(b) - leads(a))[0]!;
  }

  /** The meta server that leads; of several that think so, the one in the latest term, which is right. */
  get metaLeader(): MetaHost | undefined {
    const leaders = this.metas.filter((each) => each.running && each.raftStatus?.role === 'leader');
    return leaders.toSorted((a, b) => b.raftStatus!.term - a.raftStatus!.term)[0];
  }

  get nowMs(): number {
    return this.world.nowMs();
  }

  addData(): DataHost {
    const host = this.newData();
    host.start();
    return host;
  }

  addSession(): SessionHost {
    const host = this.newSession();
    host.start();
    return host;
  }

  /** @param disk what an earlier process on its machine has left there */
  addClient(disk?: SimSnapshot): SimClient {
    const number = this.clients.length + 1;
    const client = new Client(`client-${number}`, this.world, this.observer(), {
      makeCore: this.cores.client,
      seeds: this.sessionAddresses(),
      zone: this.zoneOf(number),
      ...(disk ? { disk } : {}),
      deltas: number % WITHOUT_DELTAS !== 0,
    });
    this.clients.push(client);
    return client;
  }

  addCurl(): SimCurl {
    const curl = new SimCurl(`curl-${this.curls.length + 1}`, this.world, () => this.sessionAddresses());
    this.curls.push(curl);
    return curl;
  }

  addOperator(): SimOperator {
    const name = `operator-${this.operators.length + 1}`;
    const operator = new SimOperator(name, this.world, () => this.sessionAddresses());
    this.operators.push(operator);
    return operator;
  }

  addStock(): SimStock {
    const stock = new SimStock(`stock-${this.stocks.length + 1}`, this.world, () => this.sessionAddresses());
    this.stocks.push(stock);
    stock.connect();
    return stock;
  }

  get applications(): SimApplication[] {
    return [...this.clients, ...this.curls, ...this.stocks, ...this.operators];
  }

  node(name: string): Node {
    const node = [...this.servers, ...this.clients].find((each) => each.name === name);
    if (!node) throw new Error(`There is no node ${name}.`);
    return node;
  }

  kill(name: string, how: 'kill' | 'vanish' = 'kill'): void {
    this.node(name).crash(how);
  }

  /** Starts a dead server again on its disk, at the same address; one that runs is killed first. */
  restart(name: string): void {
    const node = this.server(name);
    node.crash();
    node.start();
  }

  /** What an operator switches; every member that can be reached knows soon after. */
  switch(changes: Partial<Switches>): void {
    (this.metaLeader ?? this.meta).operate({ type: 'setSwitches', changes });
  }

  /** A planned stop. */
  stop(name: string): void {
    this.server(name).stop();
  }

  /** SIGSTOP, and SIGCONT `ms` later. */
  pause(name: string, ms: number): void {
    const node = this.node(name);
    node.pause();
    this.world.at(this.nowMs + ms, () => node.resume());
  }

  /** Cuts two nodes from each other, until `heal` or for `ms`. */
  partition(a: string, b: string, ms?: number, oneWay = false): void {
    this.world.transcript.note(a, `is cut from ${b}${oneWay ? ' in this direction' : ''}`);
    this.world.network.cut(a, b, oneWay);
    if (ms !== undefined) this.world.at(this.nowMs + ms, () => this.heal(a, b));
  }

  heal(a?: string, b?: string): void {
    this.world.transcript.note(a ?? 'network', b === undefined ? 'heals' : `is joined with ${b} again`);
    this.world.network.heal(a, b);
  }

  run(ms: number): void {
    this.world.clock.runUntil(this.nowMs + ms);
  }

  /** Runs until the condition holds. It is a failure when it does not within `maxMs`. Answers how long it took. */
  until(what: string, holds: () => boolean, maxMs = 10_000): number {
    const startMs = this.nowMs;
    while (!holds()) {
      if (this.nowMs - startMs >= maxMs) throw new Error(`Not within ${maxMs} ms: ${what}.`);
      this.run(LOOK_EVERY_MS);
    }
    return this.nowMs - startMs;
  }

  /** What a subscriber should see: the publications of live owners that its scope lets through. */
  expected(subscriber: SimSubscriber, publishers: readonly SimPublisher[] = this.publishers): Map<string, string[]> {
    const live = new Map<string, string[]>();
    for (const publisher of publishers) {
      if (!this.isVisible(publisher) || publisher.dataInfoId !== subscriber.dataInfoId) continue;
      if (subscriber.scope === 'zone' && publisher.zone !== subscriber.zone) continue;
      live.set(publisher.registerId, publisher.data!);
    }
    return live;
  }

  /** Its slot is to hold it: it is live, and operators have not switched off whoever publishes it. */
  isHeld(publisher: SimPublisher): boolean {
    const { clientsOff } = this.meta.state.switches.switches;
    return isLive(publisher) && !clientsOff.includes(publisher.client.name);
  }

  /** And nothing by its name either. */
  isVisible(publisher: SimPublisher): boolean {
    const { publicationsOff, blacklist } = this.meta.state.switches.switches;
    const { dataInfoId, registerId } = publisher;
    if (publicationsOff.some((name) => name.dataInfoId === dataInfoId && name.registerId === registerId)) return false;
    const { dataId } = parseDataInfoId(dataInfoId)!;
    return this.isHeld(publisher) && !blacklist.some((name) => name === dataInfoId || name === dataId);
  }

  get publishers(): SimPublisher[] {
    return this.applications.flatMap((application) => application.publishers);
  }

  /** Subscribers whose application still runs and listens. */
  get subscribers(): SimSubscriber[] {
    return this.clients.flatMap((client) =>
      client.dead || client.closed ? [] : client.subscribers.filter((subscriber) => subscriber.active),
    );
  }

  /** What still keeps the views from equalling the live publications; undefined when nothing does (invariant 10). */
  divergence(): string | undefined {
    const publishers = new Map<string, SimPublisher[]>();
    for (const publisher of this.publishers) {
      const others = publishers.get(publisher.dataInfoId);
      if (others) others.push(publisher);
      else publishers.set(publisher.dataInfoId, [publisher]);
    }
    for (const subscriber of this.subscribers) {
      const current = subscriber.current();
      const where = `${subscriber.client.name} on ${subscriber.dataInfoId}`;
      if (!current || current.state !== 'current') return `${where} is ${current?.state ?? 'shown nothing'}`;
      const expected = this.expected(subscriber, publishers.get(subscriber.dataInfoId) ?? []);
      const list = subscriber.list();
      for (const [registerId, data] of expected) {
        if (!list.has(registerId)) return `${where} lacks ${registerId}`;
        if (list.get(registerId)!.join('\n') !== data.join('\n')) return `${where} has old data of ${registerId}`;
      }
      for (const registerId of list.keys()) if (!expected.has(registerId)) return `${where} still has ${registerId}`;
    }
    return undefined;
  }

  untilConverged(maxMs = 10_000): number {
    const startMs = this.nowMs;
    for (;;) {
      const divergence = this.divergence();
      if (divergence === undefined) return this.nowMs - startMs;
      if (this.nowMs - startMs >= maxMs) throw new Violation('convergence', `after ${maxMs} ms ${divergence}`);
      this.run(LOOK_EVERY_MS);
    }
  }

  /** Performs a run; a failure tells the seed and what the nodes did last. */
  story(tell: (cluster: this) => void): void {
    try {
      tell(this);
    } catch (error) {
      const { message } = error as Error;
      const cause = (error as Error).cause instanceof Error ? `\n${((error as Error).cause as Error).stack}` : '';
      const report = `seed ${this.options.seed}, at ${this.nowMs.toFixed(3)} ms: ${message}${cause}`;
      throw new Error(`${report}\n--- the last of the transcript ---\n${this.world.transcript.tail()}`, {
        cause: error,
      });
    }
  }

  private transit(message: Transit): void {
    const { trace } = this.options;
    if (trace) {
      const { from, to, connection } = message;
      trace(`${this.nowMs.toFixed(3)} ${from} -> ${to} #${connection} ${JSON.stringify(message.message, readable)}`);
    }
    this.tell('transit', message);
    const whole = directTransit(message, this.sessions);
    if (whole) this.tell('transit', whole);
  }

  private server(name: string): MetaHost | DataHost | SessionHost {
    const node = this.node(name);
    if (node instanceof Client) throw new Error(`${name} is not a server.`);
    return node;
  }

  private makeMetas(): void {
    const { metas = 1, slotCount = 16, replicas = 2, raft } = this.options;
    const names = Array.from({ length: metas }, (_, i) => `meta-${i + 1}`);
    for (const name of names)
      this.metas.push(
        new MetaHost(name, this.world, this.observer(), {
          makeCore: this.cores.meta,
          machine: this.cores.machine,
          voters: names.map((each) => addressOf(each, 'meta')),
          options: { slotCount, replicas },
          ...(raft ? { raft } : {}),
        }),
      );
  }

  private newData(): DataHost {
    const number = this.data.length + 1;
    const host = new DataHost(`data-${number}`, this.world, this.observer(), {
      makeCore: this.cores.data,
      metaAddresses: this.metas.map(({ address }) => address),
      zone: this.zoneOf(number),
    });
    this.data.push(host);
    return host;
  }

  private newSession(): SessionHost {
    const number = this.sessions.length + 1;
    const host = new SessionHost(`session-${number}`, this.world, this.observer(), {
      makeCore: this.cores.session,
      metaAddresses: this.metas.map(({ address }) => address),
      zone: this.zoneOf(number),
    });
    this.sessions.push(host);
    return host;
  }

  private sessionAddresses(): string[] {
    return this.sessions.map((session) => session.address);
  }

  private zoneOf(number: number): string {
    return this.zones[(number - 1) % this.zones.length]!;
  }

  private soon(run: () => void): void {
    this.world.at(this.nowMs + this.world.random() * 100, run);
  }

  private observer(): Required<Omit<Observer, 'transit'>> {
    return {
      life: (node, change) => this.tell('life', node, change),
      event: (node, event) => this.tell('event', node, direct(event, 'received')),
      effect: (node, effect) => this.tell('effect', node, direct(effect, 'send')),
      shown: (...told) => this.tell('shown', ...told),
    };
  }

  private tell<What extends keyof Observer>(what: What, ...told: Parameters<NonNullable<Observer[What]>>): void {
    for (const observer of this.observers) (observer[what] as ((...args: unknown[]) => void) | undefined)?.(...told);
  }
}

/** Bodies as text; of tables their epoch will do. */
function readable(key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return key === 'body' ? readableBody(value) : `${value.length} bytes`;
  return key === 'slots' || key === 'members' ? undefined : value;
}

/** Keys of etcd are not written by applications of the simulation, and not as those write. */
function readableBody(body: Uint8Array): unknown {
  try {
    return decodeBody(body);
  } catch {
    return `${body.length} bytes`;
  }
}

/** Wanted by an application that runs (or is only stopped for a while). */
export function isLive(publisher: SimPublisher): boolean {
  return publisher.data !== undefined && !publisher.client.dead && !publisher.client.closed;
}
