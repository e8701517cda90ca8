import { key } from '#etcd/testing';
import type { Random } from '#model';
import { type Cluster, type Cores, type SessionHost, type SimPublisher, Violation } from '#sim';
import { NativeWatcher, clusterWithLayout, keyOf, makeStores, publish, readAll, serves } from './native-watchers.js';

const HOSTS = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'];

/** A random schedule of who publishes, who puts, who watches, and of servers that die. @returns what it came across */
export function runNatives(seed: number, cores: Partial<Cores> = {}): Record<string, number> {
  const { session, ...others } = cores;
  const options = { seed, metas: 1 as const, data: 3, sessions: 3, clients: 3, slotCount: 8, cores: others };
  const cluster = clusterWithLayout(options, session);
  const counts: Record<string, number> = {};
  cluster.story(() => {
    cluster.run(3_000);
    const run = new Run(cluster, counts);
    const untilMs = cluster.nowMs + 30_000;
    while (cluster.nowMs < untilMs) {
      run.act();
      cluster.run(run.random() * 80);
    }
    for (const server of cluster.servers) if (server.dead) server.start();
    cluster.run(40_000);
    run.check();
  });
  return counts;
}

class Run {
  readonly random: Random;
  private readonly watchers: NativeWatcher[] = [];
  private readonly publishers: SimPublisher[] = [];
  private readonly storeOf = makeStores();
  private nextFaultMs: number;

  constructor(
    private readonly cluster: Cluster,
    private readonly counts: Record<string, number>,
  ) {
    this.random = cluster.world.fork();
    this.nextFaultMs = cluster.nowMs + 4_000;
  }

  act(): void {
    const roll = this.random();
    if (roll < 0.2) this.publish();
    else if (roll < 0.35) this.republish();
    else if (roll < 0.5) this.unpublish();
    else if (roll < 0.65) this.put();
    else if (roll < 0.75) this.delete();
    else if (roll < 0.85) this.watch();
    this.resume();
    if (this.cluster.nowMs < this.nextFaultMs) return;
    this.nextFaultMs = this.cluster.nowMs + 2_500 + this.random() * 3_000;
    this.fault();
  }

  /** Whatever a watch has come to is what there is, through every server. */
  check(): void {
    const [first, ...others] = this.cluster.sessions.map((session) => readAll(this.cluster, session));
    if (others.some((other) => other !== first))
      throw new Violation('native ranges', `servers read otherwise: ${[first, ...others].join(' | ')}`);
    for (const watcher of this.watchers) {
      if (watcher.end !== undefined || !watcher.isHeld || !watcher.isCreated) continue;
      if (watcher.state() !== first)
        throw new Violation('native watches', `a watch has come to ${watcher.state()}, and there is ${first}`);
      this.count('watch held to the end');
    }
    for (const watcher of this.watchers)
      for (const line of watcher.told) this.count(line.startsWith('put') ? 'told of a put' : 'told of a delete');
  }

  private count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  private publish(): void {
    if (this.live.length >= 6) return;
    this.publishers.push(publish(this.pick(this.cluster.clients)!, this.pick(HOSTS)!, this.weight()));
    this.count('published');
  }

  private republish(): void {
    const publisher = this.pick(this.live);
    if (!publisher) return;
    publisher.republish(serves(this.pick(HOSTS)!, this.weight()));
    this.count('republished');
  }

  private unpublish(): void {
    const publisher = this.pick(this.live);
    if (!publisher) return;
    publisher.unpublish();
    this.count('unpublished');
  }

  private put(): void {
    const request = { key: key(keyOf(this.pick(HOSTS)!)), value: key(`put ${this.random()}`) };
    this.pick(this.serving)?.callKeys({ method: 'put', request }, (reply) => this.count(reply.ok ? 'put' : 'not put'));
  }

  private delete(): void {
    const request = { key: key(keyOf(this.pick(HOSTS)!)) };
    this.pick(this.serving)?.callKeys({ method: 'deleteRange', request }, (reply) => {
      this.count(reply.ok ? 'deleted' : 'not deleted');
    });
  }

  private watch(): void {
    const [reads, session] = [this.pick(this.serving), this.pick(this.serving)];
    const held = this.watchers.filter((watcher) => watcher.end === undefined && watcher.isHeld);
    if (!reads || !session || held.length > 5) return;
    this.watchers.push(new NativeWatcher(this.cluster, reads, session, this.storeOf));
  }

  /** Those whose server has died go on at another. */
  private resume(): void {
    for (const watcher of this.watchers) {
      if (watcher.end !== undefined || watcher.isHeld || !watcher.isCreated) continue;
      const session = this.pick(this.serving);
      if (!session || this.random() < 0.7) continue;
      watcher.resume(session);
      this.count('watch resumed');
    }
  }

  private fault(): void {
    if (this.cluster.servers.some(({ dead }) => dead)) return;
    const roll = this.random();
    const { name } = this.pick<{ name: string }>(roll < 0.5 ? this.cluster.data : this.cluster.sessions)!;
    this.cluster.kill(name);
    this.count(roll < 0.5 ? 'data server killed' : 'session server killed');
    this.cluster.world.at(this.cluster.nowMs + 500 + this.random() * 1_500, () => this.cluster.restart(name));
  }

  private get live(): SimPublisher[] {
    return this.publishers.filter(({ data }) => data !== undefined);
  }

  private get serving(): SessionHost[] {
    return this.cluster.sessions.filter(({ running, core }) => running && core);
  }

  private weight(): number {
    return 1 + Math.floor(this.random() * 20);
  }

  private pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.random() * items.length)];
  }
}
