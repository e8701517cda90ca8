import { isDrained } from '#sharding';
import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, toDataInfoId } from '#model';
import type { Cluster, ClusterOptions, SimCurl, SimPublisher } from '#sim';
import { watched } from './watched.js';

const DATA_IDS = Array.from({ length: 12 }, (_, i) => `service-${i}`);

/** Services all over the slots, each watched by everybody, and somebody who registers over HTTP. */
class Busy {
  readonly cluster: Cluster;
  readonly publishers: SimPublisher[];
  readonly curls: SimCurl[];
  private round = 0;

  constructor(options: ClusterOptions) {
    this.cluster = watched({ data: 4, sessions: 2, clients: 4, ...options });
    this.publishers = DATA_IDS.map((dataId, i) =>
      this.cluster.clients[i % 2]!.publish({ dataId, data: [`http://${dataId}:80`] }),
    );
    for (const client of this.cluster.clients.slice(2)) for (const dataId of DATA_IDS) client.subscribe({ dataId });
    this.curls = DATA_IDS.slice(0, 4).map((dataId) => {
      const curl = this.cluster.addCurl();
      const dataInfoId = toDataInfoId({ dataId, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID });
      const body = { dataId, zone: 'zone-1', data: [`http://${curl.name}:80`], leaseMs: 3_000 };
      this.publishers.push(curl.register(dataInfoId, body));
      return curl;
    });
    this.cluster.untilConverged();
    this.cluster.run(5_000);
    // While a cluster starts, some are told to come again.
    for (const { answers } of this.curls) answers.clear();
    for (const { outcomes } of this.publishers) outcomes.splice(0);
  }

  /** Publishes something new all the time until the condition holds. */
  until(what: string, holds: () => boolean, maxMs = 30_000): void {
    this.cluster.until(
      what,
      () => {
        if (this.round++ % 3 === 0)
          this.publishers[this.round % this.publishers.length]!.republish([`http://round-${this.round}:80`]);
        return holds();
      },
      maxMs,
    );
  }

  /** By name, since a server that restarts is another incarnation. */
  isDrained(name: string): boolean {
    return isDrained(this.cluster.meta.state.table, this.incarnation(name));
  }

  isSpread(...names: string[]): boolean {
    const held = new Set(
      this.cluster.meta.state.table.slots.flatMap(({ leader, followers, joining }) => [
        leader!,
        ...followers,
        ...joining.map((server) => `${server}, joining`),
      ]),
    );
    return held.size === names.length && names.every((name) => held.has(this.incarnation(name)));
  }

  drain(name: string): void {
    const { address } = this.cluster.data.find((host) => host.name === name)!;
    this.cluster.metaLeader!.operate({ type: 'drain', server: address, leaving: 2 });
  }

  /** What came of everything that clients published since the cluster was whole. */
  get outcomes(): unknown[] {
    return this.publishers.flatMap((publisher) => publisher.outcomes);
  }

  private incarnation(name: string): string {
    return this.cluster.data.find((host) => host.name === name)!.incarnation;
  }
}

describe('the drain of a data server under load, with the real brains', () => {
  it.each([1, 2, 3, 4, 5, 6, 15, 20])('is noticed by no client, nor is the stop of the server (seed %i)', (seed) => {
    const busy = new Busy({ seed });
    const { cluster } = busy;
    cluster.story(() => {
      busy.drain('data-2');
      busy.until('it holds nothing', () => busy.isDrained('data-2'));
      expect(busy.isSpread('data-1', 'data-3', 'data-4')).toBe(true);
      cluster.stop('data-2');
      const endsAtMs = cluster.nowMs + 3_000;
      busy.until('a while has passed', () => cluster.nowMs >= endsAtMs);
      cluster.untilConverged();
      expect(busy.outcomes.length).toBeGreaterThan(20);
      for (const outcome of busy.outcomes) expect(outcome).toEqual({ ok: true, stored: true });
      const answers = busy.curls.flatMap((curl) => [...curl.answers.keys()]);
      expect(answers.filter((kind) => !kind.endsWith(' ok'))).toEqual([]);
      expect(cluster.meta.state.table.departed).toMatchObject([{ role: 'data', cause: 'left' }]);
    });
  });

  it.each([11, 12, 13])('goes on over a crash of the server and of the meta leader (seed %i)', (seed) => {
    const busy = new Busy({ seed, metas: 3 });
    const { cluster } = busy;
    cluster.story(() => {
      busy.drain('data-2');
      cluster.run(30);
      cluster.kill(cluster.metaLeader!.name);
      cluster.restart('data-2');
      busy.until('it holds nothing', () => busy.isDrained('data-2') && busy.isSpread('data-1', 'data-3', 'data-4'));
      cluster.restart('data-2');
      cluster.run(20_000);
      expect(busy.isDrained('data-2')).toBe(true);
      const { address } = cluster.data[1]!;
      cluster.metaLeader!.operate({ type: 'undrain', server: address });
      busy.until('it is used again', () => busy.isSpread('data-1', 'data-2', 'data-3', 'data-4'));
      cluster.run(10_000);
      cluster.untilConverged();
    });
  });

  it.each([21, 22])('is not begun where too few would be left (seed %i)', (seed) => {
    const busy = new Busy({ seed, data: 2 });
    const { cluster } = busy;
    cluster.story(() => {
      const { epoch } = cluster.meta.state.table;
      busy.drain('data-2');
      cluster.run(5_000);
      expect(cluster.meta.state.table.epoch).toBe(epoch);
    });
  });
});
