import { randomId } from '#model';
import { type MetaNode, MetaWorld } from './meta-world.harness.js';

const HEARTBEAT_MS = 500;
const LEASE_MS = 3_000;
const DEPARTED_MS = 60_000;

describe('MetaCore and its members', () => {
  let world: MetaWorld;
  let meta: MetaNode;

  beforeEach(() => {
    world = new MetaWorld();
    meta = world.meta('meta:1');
    world.elect('meta:1');
  });

  it('makes who joins a member, and assigns it slots at once', () => {
    const data = world.join('a');
    expect(world.incarnations).toEqual(['a']);
    world.until(() => data.membership.table!.slots.every(({ leader }) => leader === 'a'));
    expect(data.membership.clusterId).toBe(world.table.clusterId);
  });

  it('shares the slots between the data servers that come, and gives none to session servers', () => {
    world.join('a');
    world.join('s', { role: 'session' });
    world.join('b');
    world.run(1_000);
    expect(world.leaders).toEqual(['a', 'b']);
    for (const leader of ['a', 'b'])
      expect(world.table.slots.filter((slot) => slot.leader === leader).length).toBeGreaterThanOrEqual(3);
  });

  it('keeps whoever heartbeats, without writing anything to the log', () => {
    world.join('a');
    world.join('s', { role: 'session' });
    world.run(1_000);
    const writes = world.committed.length;
    world.run(LEASE_MS * 20);
    expect(world.incarnations).toEqual(['a', 's']);
    expect(world.committed).toHaveLength(writes);
  });

  it('streams every table to everybody, in order of epoch and without a gap', () => {
    const data = world.join('a');
    const session = world.join('s', { role: 'session' });
    for (let i = 0; i < 5; i++) world.join(`b${i}`);
    world.run(100);
    for (const node of [data, session]) {
      expect(node.epochs.at(-1)).toBe(world.table.epoch);
      expect(node.epochs).toEqual([...node.epochs].sort((x, y) => x - y));
    }
    const [first] = session.epochs as [number];
    expect(session.epochs).toEqual(Array.from({ length: world.table.epoch - first + 1 }, (_, i) => first + i));
  });

  it('expires who falls silent after the lease, and gives its slots to the others', () => {
    const stays = world.join('a');
    const dies = world.join('b');
    world.run(1_000);
    expect(world.leaders).toEqual(['a', 'b']);
    dies.vanish();
    const tookMs = world.until(() => !world.incarnations.includes('b'));
    expect(tookMs).toBeGreaterThan(LEASE_MS - HEARTBEAT_MS - 10);
    expect(tookMs).toBeLessThan(LEASE_MS + HEARTBEAT_MS);
    expect(world.table.departed).toEqual([{ role: 'data', incarnation: 'b', cause: 'expired', outOf: 2 }]);
    const fields = { role: 'data', incarnation: 'b', address: expect.any(String), cause: 'expired' };
    expect(world.logs).toContainEqual({ node: expect.any(String), event: 'member-departed', fields });
    world.until(() => stays.membership.table!.slots.every(({ leader }) => leader === 'a'));
  });

  it('takes a broken link for no sign of death', () => {
    const data = world.join('a');
    world.run(1_000);
    for (const link of world.linksOf(data)) world.close(link);
    world.run(LEASE_MS * 2);
    expect(data).toMatchObject({ expelled: false, timesJoined: 2 });
    expect(world.table.departed).toEqual([]);
  });

  it('lets go at once of a member that says it leaves', () => {
    const data = world.join('a');
    data.step({ type: 'stop' });
    expect(world.until(() => world.incarnations.length === 0)).toBeLessThan(50);
    expect(world.table.departed).toEqual([{ role: 'data', incarnation: 'a', cause: 'left' }]);
    const fields = { role: 'data', incarnation: 'a', address: expect.any(String) };
    expect(world.logs).toContainEqual({ node: expect.any(String), event: 'member-left', fields });
    expect(data.expelled).toBe(false);
  });

  it('forgets the departed after their minute, not before', () => {
    const data = world.join('a');
    data.step({ type: 'stop' });
    world.until(() => world.table.departed.length === 1);
    const tookMs = world.until(() => world.table.departed.length === 0, DEPARTED_MS * 2);
    expect(tookMs).toBeGreaterThanOrEqual(DEPARTED_MS);
    expect(tookMs).toBeLessThan(DEPARTED_MS + HEARTBEAT_MS);
    world.run(DEPARTED_MS);
    expect(world.commands('forget')).toHaveLength(1);
  });

  it('replaces a restarted server in place: its slots follow it, the others stay where they are', () => {
    world.join('b');
    const old = world.join('a', { address: 'host:1' });
    world.run(1_000);
    const before = world.table.slots;
    old.crash();
    world.join('a2', { address: 'host:1' });
    world.run(LEASE_MS * 2);
    expect(world.table.slots.map(({ leader }) => leader)).toEqual(
      before.map(({ leader }) => (leader === 'a' ? 'a2' : leader)),
    );
    expect(
      world.table.slots.every(
        (slot, i) => slot.leaderEpoch - before[i]!.leaderEpoch === (slot.leader === 'a2' ? 1 : 0),
      ),
    ).toBe(true);
    expect(world.table.departed).toEqual([{ role: 'data', incarnation: 'a', cause: 'replaced' }]);
  });

  it('tells an incarnation that was replaced while it was away', () => {
    const old = world.join('a', { address: 'host:1' });
    old.process.pause();
    world.join('a2', { address: 'host:1' });
    old.process.resume();
    world.until(() => old.expelled);
    expect(old.membership.state).toBe('stopped');
    world.run(LEASE_MS * 3);
    expect(world.incarnations).toEqual(['a2']);
  });

  it('refuses a member that slept past its lease, even long after it was forgotten', () => {
    const sleeper = world.join('a');
    world.join('b');
    world.run(100);
    for (const link of world.linksOf(sleeper)) link.silent = true;
    sleeper.process.pause();
    world.until(() => !world.incarnations.includes('a'));
    world.run(DEPARTED_MS * 2);
    expect(world.table.departed).toEqual([]);
    sleeper.process.resume();
    world.until(() => sleeper.expelled);
    world.run(LEASE_MS);
    expect(world.incarnations).toEqual(['b']);
    expect(world.commands('join').map(({ member }) => member.incarnation)).toEqual(['a', 'b']);
  });

  it('removes a session server that a data server reports in two heartbeats in a row', () => {
    const data = world.join('a');
    // Their heartbeats are not at the same time, so that the session server is told before it asks.
    world.run(200);
    const session = world.join('s', { role: 'session' });
    data.membership.reportUnreconciled(['s', 'unknown', 'a']);
    world.run(HEARTBEAT_MS);
    expect(world.incarnations).toContain('s');
    world.until(() => !world.incarnations.includes('s'));
    expect(world.table.departed).toEqual([{ role: 'session', incarnation: 's', cause: 'expired', outOf: 1 }]);
    expect(world.until(() => session.expelled)).toBeLessThan(10);
    expect(world.incarnations).toEqual(['a']);
  });

  it('spares a session server that reconciled in between, and heeds no reports of session servers', () => {
    const data = world.join('a');
    const session = world.join('s', { role: 'session' });
    world.join('s2', { role: 'session' }).membership.reportUnreconciled(['s']);
    for (let i = 0; i < 6; i++) {
      data.membership.reportUnreconciled(i % 2 === 0 ? ['s'] : []);
      world.run(HEARTBEAT_MS);
    }
    expect(session.expelled).toBe(false);
    expect(world.incarnations).toContain('s');
  });

  it('refuses who comes from another cluster', () => {
    world.until(() => meta.inspect().ready);
    const foreign = { ...world.table, clusterId: randomId(world.random) };
    const stranger = world.member('x', { table: foreign });
    world.run(10_000);
    expect(stranger.membership.state).toBe('searching');
    expect(world.incarnations).toEqual([]);
    const logged = world.logs.filter(({ event }) => event === 'cluster-mismatch');
    expect(logged).toMatchObject([{ node: 'x', fields: { meta: 'meta:1', code: 'CLUSTER_MISMATCH' } }]);
    // Meta is there, and so is a leader of each slot: a data server must not lead by a saved table beside it.
    expect(stranger.membership.isWithoutMeta).toBe(false);
    expect(stranger.dials.length).toBeLessThan(4);
  });

  it('refuses it also where the stranger does not look', () => {
    const { self } = world.join('a');
    const hello = { protocol: 1, role: 'data' as const, incarnation: 'x', clusterId: 'another' };
    meta.step({ type: 'linkUp', link: 77, direction: 'in', address: 'x:1', hello });
    const member = { ...self, incarnation: 'x', address: 'x:1' };
    const effects = meta.core.step(world.nowMs, { type: 'received', link: 77, message: { kind: 'join', member } });
    expect(effects).toMatchObject([
      { type: 'send', message: { kind: 'refused', failure: { code: 'CLUSTER_MISMATCH' } } },
    ]);
  });

  it('survives messages of no known form', () => {
    const data = world.join('a');
    const bad: unknown[] = [
      null,
      7,
      'join',
      {},
      { kind: 'from-the-future' },
      { kind: 'join' },
      { kind: 'join', member: { role: 'meta', incarnation: 'x' } },
      { kind: 'join', member: { ...data.self, incarnation: 'x', weight: Number.NaN } },
      { kind: 'heartbeat', incarnation: 'a', sequence: 1, tableEpoch: 0, unreconciled: [1, {}] },
      { kind: 'leave', incarnation: { toString: 1 } },
    ];
    const [link] = world.linksOf(data);
    for (const message of bad) meta.step({ type: 'received', link: link!.id, message: message as never });
    world.run(LEASE_MS * 2);
    expect(world.incarnations).toEqual(['a']);
    expect(meta.inspect()).toMatchObject({ leading: true, ready: true, settled: true });
  });

  it('serves a member over its latest link only', () => {
    const data = world.join('a');
    const [old] = world.linksOf(data);
    meta.step({ type: 'linkUp', link: 77, direction: 'in', address: 'a:2', hello: data.hello() });
    meta.step({ type: 'received', link: 77, message: { kind: 'join', member: data.self, again: true } });
    expect(old!.open).toBe(false);
  });

  it('closes links that say nothing', () => {
    const data = world.join('a');
    world.run(100);
    for (const link of world.linksOf(data)) link.silent = true;
    data.process.alive = false;
    world.run(LEASE_MS * 5);
    expect(world.linksOf(meta)).toEqual([]);
  });
});
