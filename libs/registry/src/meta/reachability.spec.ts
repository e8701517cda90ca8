import { type MemberNode, MetaWorld } from './meta-world.harness.js';

const HEARTBEAT_MS = 500;
const LEASE_MS = 3_000;

describe('a data server that session servers cannot reach', () => {
  let world: MetaWorld;
  let a: MemberNode;
  let b: MemberNode;
  let sessions: MemberNode[];

  beforeEach(() => {
    world = new MetaWorld();
    world.meta('meta:1');
    world.meta('meta:2');
    world.elect('meta:1');
    [a, b] = ['a', 'b'].map((name) => world.join(name)) as [MemberNode, MemberNode];
    sessions = ['s1', 's2', 's3'].map((name) => world.join(name, { role: 'session' }));
    world.until(() => world.leaders.join() === 'a,b');
    world.run(LEASE_MS);
  });

  /** So many session servers report it with every heartbeat from now on; the others do not. */
  function reportedBy(count: number, ...unreachable: string[]): void {
    for (const [index, session] of sessions.entries())
      session.membership.reportUnreachable(index < count ? unreachable : []);
  }

  const epoch = (): number => world.table.epoch;

  it('leads nothing any more when most of them say so, and stays a member', () => {
    reportedBy(2, 'b');
    expect(world.until(() => world.leaders.join() === 'a')).toBeLessThan(3 * HEARTBEAT_MS);
    world.run(LEASE_MS * 20);
    expect(world.leaders).toEqual(['a']);
    expect(world.incarnations).toEqual(['a', 'b', 's1', 's2', 's3']);
    expect(world.logs.filter(({ event }) => event === 'member-unreachable')).toHaveLength(1);
  });

  it('leads its share again when they have reached it for a while', () => {
    reportedBy(3, 'b');
    world.until(() => world.leaders.join() === 'a');
    reportedBy(0);
    world.run(5_000);
    expect(world.leaders).toEqual(['a']);
    reportedBy(3, 'b');
    world.run(5_000);
    reportedBy(0);
    expect(world.until(() => world.leaders.join() === 'a,b')).toBeGreaterThan(9_000);
    world.run(1_000);
    expect(world.table.slots.filter(({ leader }) => leader === 'b').length).toBeGreaterThanOrEqual(3);
  });

  it('goes on leading when only half of them say so', () => {
    world.join('s4', { role: 'session' });
    const before = epoch();
    reportedBy(2, 'b');
    world.run(LEASE_MS * 4);
    expect(epoch()).toBe(before);
  });

  it('goes on leading when they say so in no two heartbeats in a row', () => {
    const before = epoch();
    for (let i = 0; i < 10; i++) {
      reportedBy(i % 2 === 0 ? 3 : 0, 'b');
      world.run(HEARTBEAT_MS);
    }
    expect(epoch()).toBe(before);
  });

  it('goes on leading when meta has not heard it either, though less than a lease ago', () => {
    const before = epoch();
    b.process.pause();
    world.run(1_800);
    reportedBy(3, 'b');
    world.run(800);
    b.process.resume();
    // They notice it with their next heartbeats.
    world.run(HEARTBEAT_MS);
    reportedBy(0);
    world.run(LEASE_MS * 4);
    expect(epoch()).toBe(before);
  });

  it('goes on leading when none can be reached', () => {
    const before = epoch();
    reportedBy(3, 'a', 'b');
    world.run(LEASE_MS * 4);
    expect(epoch()).toBe(before);
  });

  it('is given nothing back by a new leader of meta, who has yet to hear of it', () => {
    reportedBy(3, 'b');
    world.until(() => world.leaders.join() === 'a');
    const before = epoch();
    for (const address of ['meta:2', 'meta:1']) {
      world.elect(address);
      world.run(LEASE_MS * 4);
      expect(world.metas.get(address)!.inspect()).toMatchObject({ leading: true, settled: true });
      expect(world.leaders).toEqual(['a']);
    }
    expect(epoch()).toBe(before);
  });

  it('cannot have the session servers expired that it does not reach', () => {
    const expired = (): string[] => world.table.departed.map(({ incarnation }) => incarnation);
    reportedBy(2, 'b');
    world.run(2 * HEARTBEAT_MS);
    b.membership.reportUnreconciled(['s1', 's2', 's3']);
    world.run(LEASE_MS * 4);
    expect(expired()).toEqual([]);
    // The word of one that they do reach counts.
    a.membership.reportUnreconciled(['s3']);
    world.run(LEASE_MS);
    expect(expired()).toEqual(['s3']);
  });

  it('is not made so by who is no session server, or names who is no data server', () => {
    const before = epoch();
    for (const other of [a, b]) other.membership.reportUnreachable(['a', 'b']);
    reportedBy(3, 's1', 'unknown');
    world.run(LEASE_MS * 2);
    expect(epoch()).toBe(before);
  });
});
