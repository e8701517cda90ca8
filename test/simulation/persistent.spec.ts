import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, toDataInfoId } from '#model';
import type { DataEvent } from '#registry';
import { type Cluster, type Cores, type SimOperator, type SimSubscriber, realCores } from '#sim';
import { persistentOnDisks } from './invariants/persistent-on-disks.js';
import { watched } from './watched.js';

const NAMES = ['user', 'note', 'api', 'mail'];

const infoIdOf = (dataId: string): string =>
  toDataInfoId({ dataId, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID });

interface World {
  cluster: Cluster;
  operator: SimOperator;
  watchers: SimSubscriber[];
}

function world(seed: number, data: number, cores: Partial<Cores> = {}): World {
  const options = { seed, metas: 1 as const, data, sessions: 2, clients: 2, slotCount: 4 };
  const cluster = watched({ ...options, cores, observers: [persistentOnDisks] });
  const operator = cluster.addOperator();
  return { cluster, operator, watchers: [] };
}

function begin({ cluster, operator, watchers }: World): void {
  cluster.run(2_000);
  for (const dataId of NAMES) {
    watchers.push(cluster.clients[0]!.subscribe({ dataId }));
    operator.persist(infoIdOf(dataId), dataId, ['first']);
    cluster.clients[1]!.publish({ dataId, data: ['connected'] });
  }
  settled({ cluster, operator, watchers });
}

function settled({ cluster, operator }: World, withinMs = 30_000): void {
  cluster.until('everything persistent is acknowledged', () => operator.open.size === 0, withinMs);
  cluster.untilConverged(withinMs);
}

/** What an operator says next, of something that is not under way. */
function say({ cluster, operator }: World, round: number): void {
  const free = operator.publishers.filter((each) => !operator.open.has(each));
  const publisher = free[Math.floor(cluster.world.random() * free.length)];
  if (!publisher) return;
  if (publisher.data && cluster.world.random() < 0.3) publisher.unpublish();
  else publisher.republish([`round-${round}`]);
}

function disturb(cluster: Cluster): void {
  const { random } = cluster.world;
  const host = cluster.data[Math.floor(random() * cluster.data.length)]!;
  const other = cluster.data[Math.floor(random() * cluster.data.length)]!;
  const forMs = 20 + 8_000 * random() ** 2;
  const choice = random();
  if (choice < 0.3 && !host.dead) {
    host.crash(random() < 0.5 ? 'kill' : 'vanish');
    cluster.world.at(cluster.nowMs + forMs, () => host.start());
  } else if (choice < 0.5) cluster.pause(host.name, forMs);
  else if (choice < 0.7 && other !== host) cluster.partition(host.name, other.name, forMs, random() < 0.3);
  else if (choice < 0.8) cluster.partition(host.name, 'meta-1', forMs);
  else cluster.world.network.resetOne({ a: host.name, b: other.name });
}

function mend(cluster: Cluster): void {
  cluster.heal();
  for (const host of cluster.data) {
    host.resume();
    host.start();
  }
  cluster.run(9_000);
}

function randomly(all: World, rounds: number): void {
  begin(all);
  for (let round = 0; round < rounds; round++) {
    say(all, round);
    if (all.cluster.world.random() < 0.4) disturb(all.cluster);
    all.cluster.run(all.cluster.world.random() * 600);
  }
  mend(all.cluster);
  settled(all);
}

describe('persistent publications, with the real brains', () => {
  it.each([1, 2, 3])('survive the death of all data servers at once (seed %i)', (seed) => {
    const all = world(seed, 3);
    all.cluster.story(() => {
      begin(all);
      for (const { name } of all.cluster.data) all.cluster.kill(name);
      for (const host of all.cluster.data) host.start();
      settled(all);
      say(all, 1);
      settled(all);
      expect(all.cluster.meta.state.table.slots.filter(({ durable }) => durable)).not.toHaveLength(0);
    });
  });

  it.each([1, 2, 3])('wait for a disk that has them, however many servers are empty (seed %i)', (seed) => {
    const all = world(seed, 2);
    all.cluster.story(() => emptyDisk(all));
    for (const { outcomes } of all.operator.publishers) expect(outcomes).toHaveLength(1);
  });

  it.each([1, 2])('are refused while the disk fails, and taken again after that (seed %i)', (seed) => {
    const all = world(seed, 1);
    const { cluster, operator } = all;
    cluster.story(() => {
      begin(all);
      cluster.data[0]!.slotDisk.isFailing = true;
      say(all, 1);
      cluster.run(7_000);
      expect(operator.open.size).toBe(1);
      cluster.data[0]!.slotDisk.isFailing = false;
      settled(all);
    });
  });

  it.each(Array.from({ length: 12 }, (_, i) => i + 1))('survive random faults (seed %i)', (seed) => {
    const all = world(seed, 2 + (seed % 3));
    all.cluster.story(() => randomly(all, 60));
    expect(all.operator.open.size).toBe(0);
  });
});

/** All data servers die, and one comes back without its disk while the other is away. */
function emptyDisk(all: World): void {
  const { cluster } = all;
  begin(all);
  for (const { name } of cluster.data) cluster.kill(name);
  cluster.data[1]!.slotDisk.wipe();
  cluster.data[1]!.start();
  cluster.run(15_000);
  cluster.data[0]!.start();
  settled(all);
}

describe('the check of persistent publications finds', () => {
  it('a write acknowledged from a stale table', () => {
    const cores: Partial<Cores> = {
      data: (options) => {
        const core = realCores.data(options);
        const own = options.self.diskId!;
        const stale = (event: DataEvent): DataEvent => {
          if (event.type !== 'received' || event.message.kind !== 'table') return event;
          const { table } = event.message;
          const slots = table.slots.map((slot) => (slot.durable ? { ...slot, disks: [own] } : slot));
          return { ...event, message: { ...event.message, table: { ...table, slots } } };
        };
        const step = core.step.bind(core);
        core.step = (nowMs, event) => step(nowMs, stale(event));
        return core;
      },
    };
    const seeds = Array.from({ length: 4 }, (_, i) => i + 1);
    expect(() => {
      for (const seed of seeds) {
        const all = world(seed, 2, cores);
        all.cluster.story(() => randomly(all, 40));
      }
    }).toThrow(/invariant 8/);
  });

  it('an empty disk taken for complete', () => {
    const cores: Partial<Cores> = {
      // The id is the machine's, and not that of what is on its disk.
      data: (options) => realCores.data({ ...options, self: { ...options.self, diskId: options.self.address } }),
    };
    expect(() => {
      const all = world(1, 2, cores);
      all.cluster.story(() => emptyDisk(all));
    }).toThrow(/convergence|invariant 3|no-shrink|shrink/);
  });
});
