import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, toDataInfoId } from '#model';
import { SessionCore } from '#registry';
import type { Cluster, ClusterOptions, SimClient, SimCurl, SimSubscriber } from '#sim';
import { watched } from './watched.js';

const SERVICE = { dataId: 'user-service' };
const DATA_INFO_ID = toDataInfoId({ ...SERVICE, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID });
const CLIENTS = 24;

/** Clients which all publish and watch one service, somebody who registers over HTTP, and something new all the time. */
class Busy {
  readonly cluster: Cluster;
  readonly subscribers: SimSubscriber[];
  readonly curl: SimCurl;
  private readonly before: number[];
  private round = 0;

  constructor(options: ClusterOptions) {
    this.cluster = watched({ data: 3, sessions: 2, clients: CLIENTS, ...options });
    this.subscribers = this.clients.map((client) => {
      client.publish({ ...SERVICE, data: [`http://${client.name}:80`] });
      return client.subscribe(SERVICE);
    });
    this.curl = this.cluster.addCurl();
    this.curl.register(DATA_INFO_ID, { ...SERVICE, zone: 'zone-1', data: ['http://curl:80'], leaseMs: 15_000 });
    this.cluster.untilConverged();
    this.cluster.run(3_000);
    this.before = this.subscribers.map(({ shown }) => shown.length);
    for (const { outcomes } of this.cluster.publishers) outcomes.splice(0);
    this.curl.answers.clear();
  }

  get clients(): SimClient[] {
    return this.cluster.clients;
  }

  on(name: string): SimClient[] {
    return this.clients.filter((client) => client.connectedTo()?.host === name);
  }

  until(what: string, holds: () => boolean, maxMs = 30_000): number {
    return this.cluster.until(
      what,
      () => {
        const [publisher] = this.clients[this.round % CLIENTS]!.publishers;
        if (this.round++ % 5 === 0) publisher!.republish([`http://round-${this.round}:80`]);
        return holds();
      },
      maxMs,
    );
  }

  /**
   * Once everything is as it should be: who saw a list without somebody on the way there, which calls failed, and what
   * was answered over HTTP other than that the server ends.
   */
  faults(): unknown[] {
    this.cluster.untilConverged();
    const lists = this.subscribers.flatMap(({ shown }, i) => shown.slice(this.before[i]));
    const outcomes = this.cluster.publishers.flatMap((publisher) => publisher.outcomes);
    if (outcomes.length < 20) throw new Error('Too little was published for the run to mean anything.');
    return [
      ...lists.filter(({ snapshot }) => snapshot.publishers.length !== CLIENTS + 1),
      ...outcomes.filter((outcome) => !outcome.ok || !outcome.stored),
      ...[...this.curl.answers.keys()].filter((kind) => !/ (ok|CONNECTION_CLOSED|SHUTTING_DOWN)$/.test(kind)),
    ];
  }
}

/** Few at a time, so that a drain takes several waves. */
const slowly = (drainMs: number): ClusterOptions['cores'] => ({
  session: (options) => new SessionCore({ ...options, limits: { ...options.limits, movesPerSecond: 10, drainMs } }),
});

describe('the drain of a session server under load, with the real brains', () => {
  it.each([1, 2, 3, 4])('is noticed by no client (seed %i)', (seed) => {
    const busy = new Busy({ seed, cores: slowly(15_000)! });
    const { cluster } = busy;
    cluster.story(() => {
      const [session] = cluster.sessions;
      const there = busy.on('session-1').length;
      expect(there).toBeGreaterThan(CLIENTS / 6);
      session!.drain();
      const tookMs = busy.until('it has stopped', () => session!.dead);
      // In waves, and not at once; and long before the time is over.
      expect(tookMs).toBeGreaterThan((there / 10 - 1) * 1_000);
      expect(tookMs).toBeLessThan(12_000);
      busy.until('all are on the other', () => busy.on('session-2').length === CLIENTS, 2_000);
      cluster.run(12_000);
      expect(busy.faults()).toEqual([]);
      expect(cluster.meta.state.table.departed).toMatchObject([{ role: 'session', cause: 'left' }]);
    });
  });

  it.each([11, 12])('ends after its time, also where not all have gone (seed %i)', (seed) => {
    const busy = new Busy({ seed, cores: slowly(1_000)! });
    const { cluster } = busy;
    cluster.story(() => {
      const [session] = cluster.sessions;
      session!.drain();
      const tookMs = busy.until('it has stopped', () => session!.dead);
      expect(tookMs).toBeLessThan(2_000);
      cluster.run(12_000);
      expect(busy.faults()).toEqual([]);
    });
  });

  it.each([21, 22])('of both, one after the other, leaves everybody on the one that is new (seed %i)', (seed) => {
    const busy = new Busy({ seed });
    const { cluster } = busy;
    cluster.story(() => {
      cluster.addSession();
      for (const session of cluster.sessions.slice(0, 2)) {
        session.drain();
        busy.until('it has stopped', () => session.dead);
        cluster.run(3_000);
      }
      busy.until('all are on the third', () => busy.on('session-3').length === CLIENTS, 5_000);
      cluster.run(12_000);
      expect(busy.faults()).toEqual([]);
    });
  });

  it('of the only one moves nobody: they are back when it is (seed 31)', () => {
    const cluster = watched({ seed: 31, data: 2, sessions: 1, clients: 6 });
    cluster.story(() => {
      const watchers = cluster.clients.map((client) => {
        client.publish({ ...SERVICE, data: [`http://${client.name}:80`] });
        return client.subscribe(SERVICE);
      });
      cluster.untilConverged();
      const [session] = cluster.sessions;
      session!.drain();
      cluster.run(600);
      expect(session!.dead).toBe(true);
      session!.start();
      cluster.run(12_000);
      cluster.untilConverged();
      for (const watcher of watchers) expect(watcher.list().size).toBe(6);
    });
  });
});
