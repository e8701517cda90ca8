import type { Member } from '#model';
import { type MemberNode, type MetaNode, MetaWorld } from './meta-world.harness.js';
import { Suspicion } from './suspicion.js';

const HEARTBEAT_MS = 500;
const LEASE_MS = 3_000;

describe('a member that is suspected', () => {
  let world: MetaWorld;
  let meta: MetaNode;
  let stays: MemberNode;
  let suspected: MemberNode;
  let session: MemberNode;

  beforeEach(() => {
    world = new MetaWorld();
    meta = world.meta('meta:1');
    world.elect('meta:1');
    stays = world.join('a');
    suspected = world.join('b', { address: 'host:1' });
    session = world.join('s', { role: 'session' });
    world.run(1_100);
  });

  const gone = (): boolean => !world.incarnations.includes('b');
  const causes = (): string[] => world.table.departed.map(({ incarnation, cause }) => `${incarnation} ${cause}`);

  /** The session server goes on reporting it, as often as it may. */
  function reportedFor(ms: number): void {
    for (const endMs = world.nowMs + ms; world.nowMs < endMs; world.run(50)) session.suspect('b');
  }

  it('is let go of at once when its process is dead, and its slots go to others', () => {
    suspected.crash();
    expect(world.until(gone)).toBeLessThan(50);
    expect(causes()).toEqual(['b refused']);
    expect(world.until(() => stays.membership.table!.slots.every(({ leader }) => leader === 'a'))).toBeLessThan(50);
  });

  it('is let go of at once when it is a session server', () => {
    session.crash();
    expect(world.until(() => !world.incarnations.includes('s'))).toBeLessThan(50);
    expect(causes()).toEqual(['s refused']);
  });

  it('is let go of soon when others see it dead before the link to meta has broken', () => {
    for (const link of world.linksOf(suspected)) link.silent = true;
    suspected.process.alive = false;
    session.suspect('b');
    expect(world.until(gone)).toBeLessThan(3 * HEARTBEAT_MS);
    expect(causes()).toEqual(['b refused']);
  });

  it('keeps its lease while its process stands still, whoever reports it', () => {
    suspected.process.pause();
    for (const link of world.linksOf(suspected)) world.close(link);
    reportedFor(LEASE_MS - HEARTBEAT_MS);
    expect(world.probes.length).toBeGreaterThan(1);
    suspected.process.resume();
    world.run(LEASE_MS * 2);
    expect(causes()).toEqual([]);
    expect(suspected).toMatchObject({ expelled: false, timesJoined: 2 });
  });

  it('is a member for as long as it heartbeats, though dials to it are lost', () => {
    suspected.unreachable = true;
    reportedFor(LEASE_MS * 4);
    for (const link of world.linksOf(suspected)) world.close(link);
    reportedFor(LEASE_MS * 4);
    expect(world.probes.length).toBeGreaterThan(4);
    expect(causes()).toEqual([]);
  });

  it('is a member for as long as it heartbeats, though something in between refuses', () => {
    suspected.refusing = true;
    reportedFor(LEASE_MS * 4);
    expect(world.probes.length).toBeGreaterThan(4);
    expect(causes()).toEqual([]);
  });

  it('loses nothing when it answers', () => {
    for (const link of world.linksOf(suspected)) world.close(link);
    reportedFor(LEASE_MS * 4);
    expect(causes()).toEqual([]);
    expect(suspected).toMatchObject({ expelled: false, timesJoined: 2 });
    // What the probes opened is closed again.
    expect(world.linksOf(suspected)).toHaveLength(1);
  });

  it('is replaced in one step by its own restart, though another incarnation answers before that has joined', () => {
    const led = world.table.slots.filter(({ leader }) => leader === 'b').length;
    suspected.crash();
    world.join('b2', { address: 'host:1' });
    expect(world.probes).toEqual(['host:1']);
    expect(causes()).toEqual(['b replaced']);
    expect(world.table.slots.filter(({ leader }) => leader === 'b2')).toHaveLength(led);
    expect(world.commands('remove')).toEqual([]);
  });

  it('is let go of soon when another process has its address that does not join', () => {
    suspected.crash();
    world.member('b2', { address: 'host:1', metas: [] });
    expect(world.until(gone)).toBeLessThan(LEASE_MS / 2);
    expect(causes()).toEqual(['b replaced']);
  });

  it('is dialled ever more rarely, one dial at a time', () => {
    reportedFor(1_000);
    const early = world.probes.length;
    expect(early).toBeGreaterThanOrEqual(2);
    reportedFor(60_000);
    expect(world.probes.length - early).toBeLessThanOrEqual(31);
    expect(world.probes.length - early).toBeGreaterThanOrEqual(20);
    world.run(60_000);
    const late = world.probes.length;
    reportedFor(1_000);
    expect(world.probes.length - late).toBe(early);
  });

  it('is dialled for members only, and nobody but members is', () => {
    const hello = { protocol: 1, role: 'session' as const, incarnation: 'x' };
    meta.step({ type: 'linkUp', link: 77, direction: 'in', address: 'x:1', hello });
    meta.step({ type: 'received', link: 77, message: { kind: 'suspect', incarnation: 'b' } });
    const [link] = world.linksOf(session);
    for (const incarnation of ['unknown', '', 7, undefined, {}])
      meta.step({ type: 'received', link: link!.id, message: { kind: 'suspect', incarnation: incarnation as string } });
    world.run(1_000);
    expect(world.probes).toEqual([]);
  });

  it('is not let go of by a meta server that no longer leads when the answer comes', () => {
    suspected.unreachable = true;
    session.suspect('b');
    world.run(100);
    world.meta('meta:2');
    world.elect('meta:2');
    world.elect('meta:1');
    world.elect('meta:2');
    world.run(5);
    expect(
      meta.core.step(world.nowMs, { type: 'dialFailed', address: 'host:1', reason: 'refused', message: '' }),
    ).toEqual([expect.objectContaining({ type: 'log', event: 'member-probed' })]);
    expect(world.incarnations).toContain('b');
  });
});

describe('Suspicion', () => {
  const member = (incarnation: string, address = `${incarnation}:1`): Member => ({
    ...{ role: 'data', incarnation, address, httpAddress: 'x:2', zone: '', weight: 1 },
  });
  let dialled: string[];
  let suspicion: Suspicion;

  beforeEach(() => {
    dialled = [];
    suspicion = new Suspicion({ emit: ({ address }) => dialled.push(address), log: () => {} });
  });

  it('has a bounded number of dials under way, and the others take their turn', () => {
    for (let i = 0; i < 100; i++) suspicion.suspect(0, member(`m${i}`));
    expect(dialled).toHaveLength(64);
    suspicion.tick(1_000);
    expect(dialled).toHaveLength(64);
    for (const address of [...dialled]) expect(suspicion.failed(address, 'unreachable')).toBeUndefined();
    suspicion.tick(1_000);
    expect(dialled).toHaveLength(100);
    expect(new Set(dialled).size).toBe(100);
  });

  it('asks again for who is suspected while its dial is under way', () => {
    suspicion.suspect(0, member('m'));
    suspicion.suspect(500, member('m'));
    suspicion.tick(2_000);
    expect(dialled).toHaveLength(1);
    expect(suspicion.failed('m:1', 'unreachable')).toBeUndefined();
    suspicion.tick(2_000);
    expect(dialled).toHaveLength(2);
    expect(suspicion.failed('m:1', 'refused')).toEqual({ incarnation: 'm', cause: 'refused' });
  });

  it('says of each dial whom it was about, also when another has the address meanwhile', () => {
    suspicion.suspect(0, member('old', 'm:1'));
    suspicion.clear();
    suspicion.suspect(10, member('new', 'm:1'));
    expect(dialled).toHaveLength(1);
    expect(suspicion.answered('m:1', 'new')).toEqual({ incarnation: 'old', cause: 'replaced' });
    suspicion.tick(20);
    expect(suspicion.answered('m:1', 'new')).toBeUndefined();
  });

  it.each(['rejected', 'unreachable'] as const)('takes nothing from a dial that ended as %s', (reason) => {
    suspicion.suspect(0, member('m'));
    expect(suspicion.failed('m:1', reason)).toBeUndefined();
    expect(suspicion.failed('m:1', 'refused')).toBeUndefined();
  });
});
