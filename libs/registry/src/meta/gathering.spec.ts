import { type MetaNode, MetaWorld } from './meta-world.harness.js';
import { continued } from './state/eras.js';

const LEASE_MS = 3_000;
const GATHER_MS = 12_000;
const ERA = 2 ** 46;

describe('a meta server that leads a recovered group', () => {
  let world: MetaWorld;

  beforeEach(() => {
    world = new MetaWorld();
    world.meta('meta:1');
    world.elect('meta:1');
  });

  /** Meta is lost, and comes back with the state that it had at `saved`. */
  function recover(saved = world.state): MetaNode {
    world.metas.get('meta:1')!.crash();
    world.run(5_000);
    world.state = continued(saved, ERA);
    world.meta('meta:1');
    world.elect('meta:1');
    return world.metas.get('meta:1')!;
  }

  it('takes in who comes, and shows nobody anything until all had time to', () => {
    const data = world.join('a');
    const session = world.join('s', { role: 'session' });
    const saved = world.state;
    // These two the recovered state knows nothing of.
    const later = [world.join('b'), world.join('t', { role: 'session' })];
    world.run(1_000);
    const all = [data, session, ...later];
    const before = all.map(({ epochs }) => epochs.length);
    const meta = recover(saved);
    world.run(GATHER_MS - 500);
    expect(meta.inspect()).toMatchObject({ gathering: true, ready: false, settled: false });
    expect(world.incarnations.toSorted()).toEqual(['a', 'b', 's', 't']);
    expect(all.map(({ epochs }) => epochs.length)).toEqual(before);
    world.until(() => all.every(({ membership }) => membership.state === 'joined'), 3_500);
    expect(meta.inspect()).toMatchObject({ gathering: false, ready: true });
    for (const { expelled, epochs } of all) {
      expect(expelled).toBe(false);
      // The first that it shows has everybody in it.
      expect(epochs[before[all.findIndex((each) => each.epochs === epochs)]!]).toBeGreaterThan(ERA + 1);
    }
    world.run(LEASE_MS * 3);
    expect(world.table.departed).toEqual([]);
    expect(world.commands('gathered')).toHaveLength(1);
  });

  it('moves no slot of who is there, and gives every slot a leaderEpoch that nobody has seen', () => {
    const nodes = [world.join('a'), world.join('b')];
    world.run(5_000);
    const before = world.table.slots.map(({ leader }) => leader);
    recover();
    world.until(() => nodes.every(({ timesJoined }) => timesJoined === 2));
    world.run(LEASE_MS * 2);
    expect(world.table.slots.map(({ leader }) => leader)).toEqual(before);
    expect(new Set(world.table.slots.map(({ leaderEpoch }) => leaderEpoch))).toEqual(new Set([ERA]));
  });

  it('gives full leases after it, and misses who never came', () => {
    world.join('a');
    const dies = world.join('b');
    world.run(1_000);
    dies.crash();
    const meta = recover();
    world.until(() => meta.inspect().ready);
    for (const { leftMs } of meta.inspect().leases) expect(leftMs).toBe(LEASE_MS);
    expect(world.incarnations).toContain('b');
    const tookMs = world.until(() => !world.incarnations.includes('b'));
    expect(tookMs).toBeGreaterThanOrEqual(LEASE_MS - 1);
  });

  it('begins anew under another leader, and does not lose who has come', () => {
    const data = world.join('a', { metas: ['meta:1', 'meta:2'] });
    world.run(1_000);
    const saved = world.state;
    const late = world.join('b', { metas: ['meta:1', 'meta:2'] });
    recover(saved);
    world.run(GATHER_MS - 1_000);
    const second = world.meta('meta:2');
    world.elect('meta:2');
    world.run(GATHER_MS - 1_000);
    expect(second.inspect().gathering).toBe(true);
    world.until(() => [data, late].every(({ membership }) => membership.state === 'joined'));
    expect([data.expelled, late.expelled]).toEqual([false, false]);
    expect(world.commands('gathered')).toHaveLength(1);
  });

  it('still refuses who departed, and who belongs to another cluster', () => {
    const gone = world.join('a');
    world.run(500);
    gone.process.pause();
    world.until(() => !world.incarnations.includes('a'));
    const meta = recover();
    gone.process.resume();
    world.until(() => gone.expelled);
    expect(meta.inspect().gathering).toBe(true);
    const foreign = { ...world.table, clusterId: 'another', epoch: 3 };
    const stranger = world.member('x', { table: foreign });
    world.run(GATHER_MS * 2);
    expect(stranger.membership.state).toBe('searching');
    expect(world.incarnations).toEqual([]);
  });

  it('does not count its own sleep as time to come', () => {
    const meta = recover();
    world.run(1_000);
    meta.process.pause();
    world.run(GATHER_MS * 2);
    meta.process.resume();
    world.run(1_000);
    expect(meta.inspect().gathering).toBe(true);
    world.until(() => meta.inspect().ready);
  });
});

describe('a member that has seen a later era', () => {
  it('leaves a meta server of an earlier one, and is not spun by it', () => {
    const world = new MetaWorld();
    world.meta('meta:1');
    world.elect('meta:1');
    const data = world.join('a');
    world.run(1_000);
    // Another server, which had it from the recovered group, has shown it this table.
    const later = continued(world.state, ERA).table;
    expect(data.membership.offer(later)).toBe(true);
    world.until(() => data.membership.state === 'lost');
    world.run(60_000);
    expect(world.logs.filter(({ event }) => event === 'meta-behind')).toHaveLength(1);
    expect(data.membership.table).toBe(later);
    expect(data.dials.length).toBeLessThan(40);
    // The group that goes on is found as soon as it can be reached.
    world.metas.get('meta:1')!.crash();
    world.state = { ...continued(world.state, ERA), gathering: undefined } as never;
    world.meta('meta:1');
    world.elect('meta:1');
    world.until(() => data.membership.state === 'joined');
    world.run(LEASE_MS * 2);
    expect(data.membership.state).toBe('joined');
  });
});
