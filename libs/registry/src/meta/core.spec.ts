import { randomId } from '#model';
import type { MetaCommand } from './contract.js';
import { type MemberNode, type MetaNode, MetaWorld } from './meta-world.js';

const HEARTBEAT_MS = 500;
const LEASE_MS = 3_000;
const DEPARTED_MS = 60_000;

describe('MetaCore', () => {
  let world: MetaWorld;
  let meta: MetaNode;

  beforeEach(() => {
    world = new MetaWorld();
    meta = world.meta('meta:1');
    world.elect('meta:1');
  });

  const table = () => world.state.table;
  const incarnations = () => table().members.map(({ incarnation }) => incarnation);
  const leaders = () => [...new Set(table().slots.map(({ leader }) => leader))].sort();
  const commands = <Type extends MetaCommand['type']>(type: Type) =>
    world.committed.filter((command): command is Extract<MetaCommand, { type: Type }> => command.type === type);
  const join = (incarnation: string, options: Parameters<MetaWorld['member']>[1] = {}): MemberNode => {
    const node = world.member(incarnation, options);
    world.until(() => node.membership.state === 'joined' && node.epochs.length > 0);
    return node;
  };

  it('creates the cluster once, with an id of its own', () => {
    world.until(() => meta.inspect().ready);
    const { clusterId } = table();
    expect(clusterId).not.toBe('');
    expect(table().slots).toHaveLength(8);
    world.elect('meta:1');
    world.run(100);
    expect(table().clusterId).toBe(clusterId);
    expect(table().epoch).toBe(1);
  });

  it('makes who joins a member, and assigns it slots at once', () => {
    const data = join('a');
    expect(incarnations()).toEqual(['a']);
    world.until(() => data.membership.table!.slots.every(({ leader }) => leader === 'a'));
    expect(data.membership.clusterId).toBe(table().clusterId);
  });

  it('shares the slots between the data servers that come, and gives none to session servers', () => {
    join('a');
    join('s', { role: 'session' });
    join('b');
    world.run(1_000);
    expect(leaders()).toEqual(['a', 'b']);
    for (const leader of ['a', 'b'])
      expect(table().slots.filter((slot) => slot.leader === leader).length).toBeGreaterThanOrEqual(3);
  });

  it('keeps whoever heartbeats, without writing anything to the log', () => {
    join('a');
    join('s', { role: 'session' });
    world.run(1_000);
    const writes = world.committed.length;
    world.run(LEASE_MS * 20);
    expect(incarnations()).toEqual(['a', 's']);
    expect(world.committed).toHaveLength(writes);
  });

  it('streams every table to everybody, in order of epoch and without a gap', () => {
    const data = join('a');
    const session = join('s', { role: 'session' });
    for (let i = 0; i < 5; i++) join(`b${i}`);
    world.run(100);
    for (const node of [data, session]) {
      expect(node.epochs.at(-1)).toBe(table().epoch);
      expect(node.epochs).toEqual([...node.epochs].sort((x, y) => x - y));
    }
    const [first] = session.epochs as [number];
    expect(session.epochs).toEqual(Array.from({ length: table().epoch - first + 1 }, (_, i) => first + i));
  });

  it('expires who falls silent after the lease, and gives its slots to the others', () => {
    const stays = join('a');
    const dies = join('b');
    world.run(1_000);
    expect(leaders()).toEqual(['a', 'b']);
    dies.crash();
    const tookMs = world.until(() => !incarnations().includes('b'));
    expect(tookMs).toBeGreaterThan(LEASE_MS - HEARTBEAT_MS - 10);
    expect(tookMs).toBeLessThan(LEASE_MS + HEARTBEAT_MS);
    expect(table().departed).toEqual([{ role: 'data', incarnation: 'b', cause: 'expired' }]);
    world.until(() => stays.membership.table!.slots.every(({ leader }) => leader === 'a'));
  });

  it('takes a broken link for no sign of death', () => {
    const data = join('a');
    world.run(1_000);
    for (const link of world.linksOf(data)) world.close(link);
    world.run(LEASE_MS * 2);
    expect(data).toMatchObject({ expelled: false, timesJoined: 2 });
    expect(table().departed).toEqual([]);
  });

  it('lets go at once of a member that says it leaves', () => {
    const data = join('a');
    data.step({ type: 'stop' });
    expect(world.until(() => incarnations().length === 0)).toBeLessThan(50);
    expect(table().departed).toEqual([{ role: 'data', incarnation: 'a', cause: 'left' }]);
    expect(data.expelled).toBe(false);
  });

  it('forgets the departed after their minute, not before', () => {
    const data = join('a');
    data.step({ type: 'stop' });
    world.until(() => table().departed.length === 1);
    const tookMs = world.until(() => table().departed.length === 0, DEPARTED_MS * 2);
    expect(tookMs).toBeGreaterThanOrEqual(DEPARTED_MS);
    expect(tookMs).toBeLessThan(DEPARTED_MS + HEARTBEAT_MS);
    world.run(DEPARTED_MS);
    expect(commands('forget')).toHaveLength(1);
  });

  it('replaces a restarted server in place: its slots follow it, the others stay where they are', () => {
    join('b');
    const old = join('a', { address: 'host:1' });
    world.run(1_000);
    const before = table().slots;
    old.crash();
    join('a2', { address: 'host:1' });
    world.run(LEASE_MS * 2);
    expect(table().slots.map(({ leader }) => leader)).toEqual(
      before.map(({ leader }) => (leader === 'a' ? 'a2' : leader)),
    );
    expect(
      table().slots.every((slot, i) => slot.leaderEpoch - before[i]!.leaderEpoch === (slot.leader === 'a2' ? 1 : 0)),
    ).toBe(true);
    expect(table().departed).toEqual([{ role: 'data', incarnation: 'a', cause: 'replaced' }]);
  });

  it('tells an incarnation that was replaced while it was away', () => {
    const old = join('a', { address: 'host:1' });
    old.process.pause();
    join('a2', { address: 'host:1' });
    old.process.resume();
    world.until(() => old.expelled);
    expect(old.membership.state).toBe('stopped');
    world.run(LEASE_MS * 3);
    expect(incarnations()).toEqual(['a2']);
  });

  it('refuses a member that slept past its lease, even long after it was forgotten', () => {
    const sleeper = join('a');
    join('b');
    world.run(100);
    for (const link of world.linksOf(sleeper)) link.silent = true;
    sleeper.process.pause();
    world.until(() => !incarnations().includes('a'));
    world.run(DEPARTED_MS * 2);
    expect(table().departed).toEqual([]);
    sleeper.process.resume();
    world.until(() => sleeper.expelled);
    world.run(LEASE_MS);
    expect(incarnations()).toEqual(['b']);
    expect(commands('join').map(({ member }) => member.incarnation)).toEqual(['a', 'b']);
  });

  it('gives everybody the rest of their lease after a sleep of the whole machine', () => {
    const nodes = [join('a'), join('s', { role: 'session' })];
    world.run(1_000);
    for (const { process } of [meta, ...nodes]) process.pause();
    world.run(LEASE_MS * 100);
    meta.process.resume();
    // The others are slower to come to themselves.
    world.run(LEASE_MS / 2);
    for (const { process } of nodes) process.resume();
    world.run(LEASE_MS * 2);
    expect(table().departed).toEqual([]);
    expect(nodes.map(({ expelled }) => expelled)).toEqual([false, false]);
  });

  it('grants full leases each time that it comes to lead', () => {
    join('a', { metas: ['meta:1', 'meta:2'] });
    world.meta('meta:2');
    world.elect('meta:2');
    world.run(LEASE_MS * 3);
    world.elect('meta:1');
    world.until(() => meta.inspect().ready);
    expect(meta.inspect()).toMatchObject({ settled: false, leases: [{ incarnation: 'a', leftMs: LEASE_MS }] });
    world.run(LEASE_MS * 2);
    expect(incarnations()).toEqual(['a']);
    expect(meta.inspect().settled).toBe(true);
  });

  it('does not mistake its own ignorance for absence when it comes to lead before it has caught up', () => {
    const second = world.meta('meta:2', true);
    const data = join('a', { metas: ['meta:1', 'meta:2'] });
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
    expect(commands('join')).toHaveLength(1);
  });

  it('extends all leases by a gap of its own', () => {
    const data = join('a');
    const session = join('s', { role: 'session' });
    world.run(1_000);
    meta.process.pause();
    world.run(LEASE_MS * 5);
    meta.process.resume();
    world.run(LEASE_MS * 2);
    expect(world.logs).toContainEqual(expect.objectContaining({ node: 'meta:1', event: 'stalled' }));
    expect(table().departed).toEqual([]);
    expect([data.expelled, session.expelled]).toEqual([false, false]);
    expect([data.membership.state, session.membership.state]).toEqual(['joined', 'joined']);
  });

  it('still expires, after its own gap, who died during it', () => {
    const data = join('a');
    world.run(1_000);
    meta.process.pause();
    data.crash();
    world.run(LEASE_MS * 5);
    meta.process.resume();
    expect(world.until(() => incarnations().length === 0)).toBeLessThan(LEASE_MS + HEARTBEAT_MS);
  });

  it('grants everybody a full lease after its own restart, and moves no slot', () => {
    const data = join('a');
    const session = join('s', { role: 'session' });
    world.run(1_000);
    meta.crash();
    world.run(LEASE_MS * 10);
    const { epoch, slots } = table();
    world.meta('meta:1');
    world.until(() => world.metas.get('meta:1')!.inspect().ready);
    for (const { leftMs } of world.metas.get('meta:1')!.inspect().leases) expect(leftMs).toBe(LEASE_MS);
    world.until(() => data.membership.state === 'joined' && session.membership.state === 'joined');
    world.run(LEASE_MS * 2);
    expect(table()).toMatchObject({ epoch, slots });
    expect([data.expelled, session.expelled]).toEqual([false, false]);
  });

  it('expires, a full lease after its restart, who did not come back', () => {
    join('a');
    const dies = join('b');
    world.run(1_000);
    meta.crash();
    dies.crash();
    world.run(LEASE_MS * 10);
    world.meta('meta:1');
    const tookMs = world.until(() => !incarnations().includes('b'));
    expect(tookMs).toBeGreaterThanOrEqual(LEASE_MS);
    expect(incarnations()).toEqual(['a']);
    world.run(100);
    expect(leaders()).toEqual(['a']);
  });

  it('lets every data server keep its slots when everything was restarted at once', () => {
    const nodes = ['a', 'b'].map((name) => join(name, { address: `${name}:1` }));
    world.run(1_000);
    const before = table().slots.map(({ leader }) => leader);
    meta.crash();
    for (const node of nodes) node.crash();
    world.run(10_000);
    world.meta('meta:1');
    for (const name of ['b', 'a']) join(`${name}-again`, { address: `${name}:1` });
    world.run(LEASE_MS * 2);
    expect(table().slots.map(({ leader }) => leader)).toEqual(before.map((leader) => `${leader}-again`));
  });

  it('is settled only after having led for a lease, and says so in its acknowledgements', () => {
    const data = join('a');
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

  it('removes a session server that a data server reports in two heartbeats in a row', () => {
    const data = join('a');
    const session = join('s', { role: 'session' });
    data.membership.report(['s', 'unknown', 'a']);
    world.run(HEARTBEAT_MS);
    expect(incarnations()).toContain('s');
    world.until(() => !incarnations().includes('s'));
    expect(table().departed).toEqual([{ role: 'session', incarnation: 's', cause: 'expired' }]);
    world.until(() => session.expelled);
    expect(incarnations()).toEqual(['a']);
  });

  it('spares a session server that reconciled in between, and heeds no reports of session servers', () => {
    const data = join('a');
    const session = join('s', { role: 'session' });
    join('s2', { role: 'session' }).membership.report(['s']);
    for (let i = 0; i < 6; i++) {
      data.membership.report(i % 2 === 0 ? ['s'] : []);
      world.run(HEARTBEAT_MS);
    }
    expect(session.expelled).toBe(false);
    expect(incarnations()).toContain('s');
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
    world.until(() => leaders()[0] === 'a');
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

  it('refuses who comes from another cluster', () => {
    world.until(() => meta.inspect().ready);
    const foreign = { ...table(), clusterId: randomId(world.random) };
    const stranger = world.member('x', { table: foreign });
    world.run(10_000);
    expect(stranger.membership.state).toBe('searching');
    expect(incarnations()).toEqual([]);
    expect(world.logs.filter(({ event }) => event === 'cluster-mismatch')).toHaveLength(1);
  });

  it('survives messages of no known form', () => {
    const data = join('a');
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
    expect(incarnations()).toEqual(['a']);
    expect(meta.inspect()).toMatchObject({ leading: true, ready: true, settled: true });
  });

  it('closes links that say nothing', () => {
    const data = join('a');
    world.run(100);
    for (const link of world.linksOf(data)) link.silent = true;
    data.process.alive = false;
    world.run(LEASE_MS * 5);
    expect(world.linksOf(meta)).toEqual([]);
  });
});
