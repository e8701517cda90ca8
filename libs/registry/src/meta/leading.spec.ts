import { type MetaNode, MetaWorld } from './meta-world.harness.js';
import { metaStateMachine } from './state.js';

const HEARTBEAT_MS = 500;
const LEASE_MS = 3_000;

describe('a meta server that leads', () => {
  let world: MetaWorld;
  let meta: MetaNode;

  beforeEach(() => {
    world = new MetaWorld();
    meta = world.meta('meta:1');
    world.elect('meta:1');
  });

  it('creates the cluster once, with an id of its own', () => {
    world.until(() => meta.inspect().ready);
    const { clusterId } = world.table;
    expect(clusterId).not.toBe('');
    expect(world.table.slots).toHaveLength(8);
    world.elect('meta:1');
    world.run(100);
    expect(world.table.clusterId).toBe(clusterId);
    expect(world.table.epoch).toBe(1);
  });

  it('gives everybody the rest of their lease after a sleep of the whole machine', () => {
    const nodes = [world.join('a'), world.join('s', { role: 'session' })];
    world.run(1_000);
    for (const { process } of [meta, ...nodes]) process.pause();
    world.run(LEASE_MS * 100);
    meta.process.resume();
    // The others are slower to come to themselves.
    world.run(LEASE_MS / 2);
    for (const { process } of nodes) process.resume();
    world.run(LEASE_MS * 2);
    expect(world.table.departed).toEqual([]);
    expect(nodes.map(({ expelled, timesJoined }) => [expelled, timesJoined])).toEqual([
      [false, 1],
      [false, 1],
    ]);
  });

  it('does not count its own sleep as time that it has led', () => {
    world.until(() => meta.inspect().ready);
    meta.process.pause();
    world.run(LEASE_MS * 2);
    meta.process.resume();
    expect(meta.inspect().settled).toBe(false);
    world.run(LEASE_MS);
    expect(meta.inspect().settled).toBe(true);
  });

  it('lets heartbeats wait while it cannot know who is a member', () => {
    const data = world.join('a');
    world.run(100);
    world.logWorks = false;
    world.elect('meta:1');
    world.run(1_000);
    expect(meta.inspect().ready).toBe(false);
    // What was proposed before may be committed meanwhile.
    world.state = metaStateMachine.apply(world.state, {
      type: 'join',
      member: { ...data.self, role: 'session', incarnation: 's' },
    }).state;
    meta.tellCommitted();
    world.logWorks = true;
    world.until(() => meta.inspect().ready);
    world.run(10);
    expect(data.epochs.at(-1)).toBe(world.table.epoch);
    world.run(LEASE_MS * 2);
    expect(data).toMatchObject({ expelled: false, timesJoined: 1 });
    expect(data.epochs.at(-1)).toBe(world.table.epoch);
    expect(world.incarnations).toEqual(['a']);
  });

  it('grants full leases each time that it comes to lead', () => {
    world.join('a', { metas: ['meta:1', 'meta:2'] });
    world.meta('meta:2');
    world.elect('meta:2');
    world.run(LEASE_MS * 3);
    world.elect('meta:1');
    world.until(() => meta.inspect().ready);
    expect(meta.inspect()).toMatchObject({ settled: false, leases: [{ incarnation: 'a', leftMs: LEASE_MS }] });
    world.run(LEASE_MS * 2);
    expect(world.incarnations).toEqual(['a']);
    expect(meta.inspect().settled).toBe(true);
  });

  it('does not mistake its own ignorance for absence when it comes to lead before it has caught up', () => {
    const second = world.meta('meta:2', true);
    const data = world.join('a', { metas: ['meta:1', 'meta:2'] });
    world.run(1_000);
    world.elect('meta:2');
    world.run(1_000);
    expect(second.inspect()).toMatchObject({ leading: true, ready: false });
    expect(data).toMatchObject({ expelled: false, timesJoined: 1 });
    second.lags = false;
    second.tellCommitted();
    world.until(() => data.timesJoined === 2);
    world.run(LEASE_MS * 2);
    expect(data.expelled).toBe(false);
    expect(world.commands('join')).toHaveLength(1);
  });

  it('extends all leases by a gap of its own', () => {
    const data = world.join('a');
    const session = world.join('s', { role: 'session' });
    world.run(1_000);
    meta.process.pause();
    world.run(LEASE_MS * 5);
    meta.process.resume();
    world.run(LEASE_MS * 2);
    expect(world.logs).toContainEqual(expect.objectContaining({ node: 'meta:1', event: 'stalled' }));
    expect(world.table.departed).toEqual([]);
    expect([data.expelled, session.expelled]).toEqual([false, false]);
    expect([data.membership.state, session.membership.state]).toEqual(['joined', 'joined']);
  });

  it('still expires, after its own gap, who died during it', () => {
    const data = world.join('a');
    world.run(1_000);
    meta.process.pause();
    data.crash();
    world.run(LEASE_MS * 5);
    meta.process.resume();
    expect(world.until(() => world.incarnations.length === 0)).toBeLessThan(LEASE_MS + HEARTBEAT_MS);
  });

  it('grants everybody a full lease after its own restart, and moves no slot', () => {
    const data = world.join('a');
    const session = world.join('s', { role: 'session' });
    world.run(1_000);
    meta.crash();
    world.run(LEASE_MS * 10);
    const { epoch, slots } = world.table;
    world.meta('meta:1');
    world.until(() => world.metas.get('meta:1')!.inspect().ready);
    for (const { leftMs } of world.metas.get('meta:1')!.inspect().leases) expect(leftMs).toBe(LEASE_MS);
    world.until(() => data.membership.state === 'joined' && session.membership.state === 'joined');
    world.run(LEASE_MS * 2);
    expect(world.table).toMatchObject({ epoch, slots });
    expect([data.expelled, session.expelled]).toEqual([false, false]);
  });

  it('expires, a full lease after its restart, who did not come back', () => {
    world.join('a');
    const dies = world.join('b');
    world.run(1_000);
    meta.crash();
    dies.crash();
    world.run(LEASE_MS * 10);
    world.meta('meta:1');
    const tookMs = world.until(() => !world.incarnations.includes('b'));
    expect(tookMs).toBeGreaterThanOrEqual(LEASE_MS);
    expect(world.incarnations).toEqual(['a']);
    world.run(100);
    expect(world.leaders).toEqual(['a']);
  });

  it('lets every data server keep its slots when everything was restarted at once', () => {
    const nodes = ['a', 'b'].map((name) => world.join(name, { address: `${name}:1` }));
    world.run(1_000);
    const before = world.table.slots.map(({ leader }) => leader);
    meta.crash();
    for (const node of nodes) node.crash();
    world.run(10_000);
    world.meta('meta:1');
    for (const name of ['b', 'a']) world.join(`${name}-again`, { address: `${name}:1` });
    world.run(LEASE_MS * 2);
    expect(world.table.slots.map(({ leader }) => leader)).toEqual(before.map((leader) => `${leader}-again`));
  });

  it('is settled only after having led for a lease, and says so in its acknowledgements', () => {
    const data = world.join('a');
    world.until(() => data.membership.settledReadAtMs !== undefined);
    meta.crash();
    world.run(10_000);
    const settledBefore = data.membership.settledReadAtMs!;
    const restarted = world.meta('meta:1');
    world.until(() => restarted.inspect().ready);
    const readyAtMs = world.nowMs;
    world.run(LEASE_MS - 1);
    expect(data.membership.settledReadAtMs).toBe(settledBefore);
    world.until(() => data.membership.settledReadAtMs! > settledBefore);
    expect(data.membership.settledReadAtMs).toBeGreaterThanOrEqual(readyAtMs + LEASE_MS - HEARTBEAT_MS);
  });

  it('tries again what the log did not take', () => {
    world.until(() => meta.inspect().ready);
    world.logWorks = false;
    const data = world.member('a');
    world.run(1_000);
    expect(data.membership.state).not.toBe('joined');
    expect(meta.inspect().proposals).toBeLessThanOrEqual(1);
    world.logWorks = true;
    world.until(() => data.membership.state === 'joined');
    world.until(() => world.leaders[0] === 'a');
  });

  it('serves nobody before it has seen everything that was committed', () => {
    world.until(() => meta.inspect().ready);
    world.logWorks = false;
    world.elect('meta:1');
    const data = world.member('a');
    world.run(1_000);
    expect(meta.inspect()).toMatchObject({ leading: true, ready: false });
    expect(data.epochs).toEqual([]);
    world.logWorks = true;
    world.until(() => data.membership.state === 'joined');
  });
});
