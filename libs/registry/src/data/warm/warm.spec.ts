import { type Publication, persistentRegisterId } from '#model';
import { DATUM, DataWorld, type TestSession, ids, leased, publication } from '../data-world.harness.js';
import { WarmCopy } from './warm-copy.js';

const OTHER = 'bills#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP';

/** What the disk had kept of slot 0. */
function copyOf(...publications: Publication[]): WarmCopy {
  const copy = new WarmCopy();
  for (const each of publications) copy.add(0, each);
  return copy;
}

function kept(registerId: string, session: string, fields: Partial<Publication> = {}): Publication {
  return { ...publication(registerId, session), body: new Uint8Array([9]), ...fields };
}

const held = (session: TestSession, registerId: string, fields: Partial<Publication> = {}) =>
  session.publishing(registerId, [1, 1, 1], { body: new Uint8Array([9]), ...fields });

const bodies = (publications: readonly Publication[]): number[][] => publications.map(({ body }) => [...body]);

const writes = (world: DataWorld): [string, 'put' | 'delete'][] =>
  world.keeps.flatMap((batch) =>
    batch.writes.map((write): [string, 'put' | 'delete'] => [write.registerId, write.publication ? 'put' : 'delete']),
  );

/** Lets the disk answer everything until nothing is asked of it any more. */
function keepAll(world: DataWorld): void {
  for (let done = 0; done < 100; done++) {
    world.advance(400);
    const { length } = world.keeps;
    for (const { token } of world.keeps) world.step({ type: 'kept', token });
    if (world.keeps.length === length) return;
  }
}

describe('a slot that is led after a restart', () => {
  it('shows nothing of what was read from disk before its owner has confirmed it', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'], warm: copyOf(kept('a', 's1'), kept('b', 's2')) });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    expect(s2.want()).toMatchObject({ complete: false, publications: [] });
    const want = s1.reconcile([held(s1, 'a')]);
    expect(want).toMatchObject({ registerIds: [], stale: [] });
    expect(s2.last('change')).toMatchObject({ complete: false, upserts: [{ registerId: 'a' }] });
    expect(bodies(s2.fetch().publications)).toEqual([[9]]);
    s2.reconcile([held(s2, 'b')]);
    expect(ids(s2.last('datum').publications)).toEqual(['a', 'b']);
    expect(world.core.stats()).toMatchObject({
      publicationsAskedFor: 0,
      warm: { loaded: 2, confirmed: 2, dropped: 0 },
    });
  });

  it('forgets what nobody claims as it becomes complete, which removes nothing, since nobody ever saw it', () => {
    const world = new DataWorld({ sessions: ['s1'], warm: copyOf(kept('a', 's1'), kept('gone', 's1')) });
    const s1 = world.session('s1');
    s1.want();
    s1.reconcile([held(s1, 'a')]);
    expect(ids(s1.fetch().publications)).toEqual(['a']);
    expect(s1.take('change').flatMap(({ removals }) => removals)).toEqual([]);
    expect(world.core.removals(0)).toEqual([]);
    expect(world.core.stats().warm).toMatchObject({ confirmed: 1, dropped: 1 });
    // And nobody can confirm it any more.
    expect(s1.digest([held(s1, 'a'), held(s1, 'gone')]).registerIds).toEqual(['gone']);
    keepAll(world);
    expect(writes(world)).toEqual([['gone', 'delete']]);
  });

  it.each([
    ['has another stamp', { stamp: [1, 2, 1] as Publication['stamp'] }],
    ['is owned by another incarnation', { owner: { kind: 'connected', session: 's0', connection: 1 } as const }],
    ['is of another kind', leased(1_000)],
  ])('asks for what %s on disk', (_, fields) => {
    const world = new DataWorld({ sessions: ['s1'], warm: copyOf(kept('a', 's1', fields)) });
    const s1 = world.session('s1');
    expect(s1.reconcile([s1.publishing('a', [1, 1, 1])]).registerIds).toEqual(['a']);
    expect(bodies(s1.fetch().publications)).toEqual([[1, 2, 3]]);
    expect(world.core.stats()).toMatchObject({ publicationsAskedFor: 1, warm: { confirmed: 0, dropped: 1 } });
  });

  it('brings nothing back that is known to be removed', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'], warm: copyOf(kept('a', 's1')) });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s2.reconcile([], [{ registerId: 'a', stamp: [1, 1, 1] }]);
    expect(s1.digest([held(s1, 'a')])).toMatchObject({ registerIds: [], stale: [{ registerId: 'a' }] });
    expect(s1.fetch().publications).toEqual([]);
  });

  it('gives a leased publication that a session server claims a full lease, and lets no renewal confirm one', () => {
    const lease = leased(5_000);
    const world = new DataWorld({ sessions: ['s1', 's2'], warm: copyOf(kept('a', '', lease), kept('b', '', lease)) });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    world.advance(3_000);
    s1.reconcile([held(s1, 'a', lease)]);
    expect(s2.renew('b')).toMatchObject({ status: 'failed', failure: { code: 'PENDING' } });
    s2.reconcile();
    expect(s2.renew('b')).toMatchObject({ status: 'failed', failure: { code: 'NOT_REGISTERED' } });
    world.advance(4_800);
    expect(ids(s1.fetch().publications)).toEqual(['a']);
    world.advance(600);
    expect(s1.fetch().publications).toEqual([]);
    expect(world.core.removals(0)).toMatchObject([{ registerId: 'a', cause: 'lease-ended' }]);
  });

  it('keeps what is not confirmed yet when the same server leads it under the next leaderEpoch', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'], warm: copyOf(kept('a', 's1')) });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    world.assign('d1', 8);
    for (const session of [s1, s2]) session.leaderEpoch = 8;
    expect(s1.reconcile([held(s1, 'a')]).registerIds).toEqual([]);
    expect(ids(s2.fetch().publications)).toEqual(['a']);
  });
});

describe('a slot that is followed after a restart', () => {
  const follow = (world: DataWorld, leaderEpoch: number): void =>
    world.change((table) => {
      table.slots[0] = { leader: 'd2', leaderEpoch, followers: [], joining: ['d1'] };
      table.members = table.members.filter(({ incarnation }) => incarnation !== 'd2');
      table.members.push({ ...table.members[0]!, incarnation: 'd2', address: 'd2:1' });
    });

  it('offers what was read from disk, so that only what differs is sent', () => {
    const world = new DataWorld({ lead: false, warm: copyOf(kept('a', 's1'), kept('b', 's1', { dataInfoId: OTHER })) });
    follow(world, 8);
    const hashes = [DATUM, OTHER].map((dataInfoId) => [dataInfoId, expect.any(String)]);
    expect(world.toLeader).toMatchObject([{ kind: 'follow', hashes }]);
    const datums = [{ dataInfoId: OTHER, publications: [kept('c', 's1', { dataInfoId: OTHER })], removals: [] }];
    world.fromLeader({ kind: 'replica', slot: 0, leaderEpoch: 8, number: 1, datums, gone: [], position: 0 });
    expect(world.core.following()).toMatchObject([{ position: 0, publications: 2 }]);
    expect(world.core.stats()).toMatchObject({ publicationsCopied: 1, warm: { loaded: 2, confirmed: 0 } });
    keepAll(world);
    expect(writes(world)).toEqual([
      ['b', 'delete'],
      ['c', 'put'],
    ]);
    world.change((table) => (table.slots[0] = { ...table.slots[0]!, leader: 'd1', leaderEpoch: 9, joining: [] }));
    const s1 = world.session('s1');
    s1.leaderEpoch = 9;
    expect(ids([...s1.fetch().publications, ...s1.fetch(OTHER).publications])).toEqual(['a', 'c']);
  });

  it('has it confirmed anew where the server leads before it has caught up', () => {
    const world = new DataWorld({
      lead: false,
      sessions: ['s1', 's2'],
      warm: copyOf(kept('a', 's1'), kept('b', 's1')),
    });
    follow(world, 8);
    world.change((table) => (table.slots[0] = { ...table.slots[0]!, leader: 'd1', leaderEpoch: 9, joining: [] }));
    const s1 = world.session('s1');
    s1.leaderEpoch = 9;
    expect(s1.fetch()).toMatchObject({ complete: false, publications: [] });
    expect(s1.reconcile([held(s1, 'a')]).registerIds).toEqual([]);
    expect(ids(s1.fetch().publications)).toEqual(['a']);
  });

  it('leaves the disk with the slot', () => {
    const world = new DataWorld({ lead: false, warm: copyOf(kept('a', 's1')) });
    // Nobody has asked for it yet, and somebody still may.
    keepAll(world);
    expect(world.keeps).toEqual([]);
    follow(world, 8);
    world.change((table) => (table.slots[0] = { ...table.slots[0]!, leaderEpoch: 9, joining: [] }));
    keepAll(world);
    expect(world.keeps).toMatchObject([{ erase: [0], writes: [] }]);
  });

  it('is forgotten when no table has asked for it in ten minutes', () => {
    const world = new DataWorld({ lead: false, warm: copyOf(kept('a', 's1')) });
    world.advance(601_000);
    expect(world.keeps).toMatchObject([{ erase: [0], writes: [] }]);
    follow(world, 8);
    expect(world.toLeader).toMatchObject([{ kind: 'follow', hashes: [] }]);
  });
});

describe('the copy on disk', () => {
  it('is written behind what is served, and what changes again and again once', () => {
    const world = new DataWorld({ sessions: ['s1'], warm: copyOf() });
    const s1 = world.session('s1');
    s1.reconcile();
    for (let version = 1; version <= 50; version++) s1.publish('a', [1, version, 1]);
    s1.publish('b', [1, 1, 1]);
    s1.unpublish('b', [1, 1, 1]);
    expect(world.keeps).toEqual([]);
    world.advance(400);
    expect(writes(world)).toEqual([
      ['a', 'put'],
      ['b', 'delete'],
    ]);
    expect(world.keeps[0]!.writes[0]!.publication!.stamp).toEqual([1, 50, 1]);
    // One write at a time.
    s1.publish('c', [1, 1, 1]);
    world.advance(2_000);
    expect(world.keeps).toHaveLength(1);
    world.step({ type: 'kept', token: world.keeps[0]!.token });
    world.advance(400);
    expect(writes(world).at(-1)).toEqual(['c', 'put']);
  });

  it('holds no persistent publications, and nothing where it is switched off', () => {
    const own = kept(persistentRegisterId(DATUM, 'main'), '', { owner: { kind: 'persistent' } });
    const entry = { registerId: own.registerId, dataInfoId: DATUM, stamp: own.stamp, publication: own };
    const stored = { diskId: 'k1', stored: [{ slot: 0, entry }] };
    const warm = copyOf(own);
    expect(warm.loaded).toBe(0);
    const world = new DataWorld({ sessions: ['s1'], warm, lead: false, ...stored });
    const resumed = { leader: 'd1', leaderEpoch: 8, begun: true, durable: true, disks: ['k1'] };
    world.change(({ slots }) => (slots[0] = { ...resumed, followers: [], joining: [] }));
    world.advance(1_000);
    expect(world.core.stats().publications).toBe(1);
    expect(world.keeps).toEqual([]);

    const off = new DataWorld({ sessions: ['s1'] });
    off.session('s1').publish('a', [1, 1, 1]);
    off.advance(1_000);
    expect(off.keeps).toEqual([]);
  });

  it('is erased before anything else is kept once a write has failed, and then written from what is held', () => {
    const world = new DataWorld({ sessions: ['s1'], warm: copyOf() });
    const s1 = world.session('s1');
    s1.reconcile();
    s1.publish('a', [1, 1, 1]);
    world.advance(400);
    world.step({ type: 'keepFailed', token: world.keeps[0]!.token, message: 'No space left on device' });
    s1.unpublish('a', [1, 1, 1]);
    s1.publish('b', [1, 1, 1]);
    expect(ids(s1.fetch().publications)).toEqual(['b']);
    world.advance(3_000);
    expect(world.keeps.slice(1)).toMatchObject([{ erase: 'all', writes: [] }]);
    world.step({ type: 'kept', token: world.keeps[1]!.token });
    keepAll(world);
    expect(world.keeps.slice(2).flatMap((batch) => batch.writes)).toMatchObject([{ registerId: 'b', slot: 0 }]);
    expect(world.core.stats().warm).toMatchObject({ failures: 1, pending: 0 });
  });

  it('is written in full where it was not read to its end, what is confirmed from it included', () => {
    const copy = copyOf(kept('a', 's1'), kept('b', 's2'));
    copy.isKnown = false;
    const world = new DataWorld({ sessions: ['s1', 's2'], warm: copy });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    expect(s1.reconcile([held(s1, 'a')]).registerIds).toEqual([]);
    keepAll(world);
    expect(s2.reconcile([held(s2, 'b')]).registerIds).toEqual([]);
    keepAll(world);
    expect(world.keeps[0]).toMatchObject({ erase: 'all' });
    expect(writes(world)).toEqual([
      ['a', 'put'],
      ['b', 'put'],
    ]);
  });

  it('tries a disk that goes on failing ever more rarely', () => {
    const world = new DataWorld({ sessions: ['s1'], warm: new WarmCopy(false) });
    world.session('s1').publish('a', [1, 1, 1]);
    for (let second = 0; second < 120; second++) {
      const { token } = world.keeps.at(-1)!;
      world.step({ type: 'keepFailed', token, message: 'Input/output error' });
      world.advance(1_000);
    }
    expect(world.keeps.every(({ erase }) => erase === 'all')).toBe(true);
    expect(world.keeps.length).toBeLessThan(10);
    expect(world.core.stats().publications).toBe(1);
  });

  it('is begun anew when more has changed than the disk takes', () => {
    const world = new DataWorld({ sessions: ['s1'], warm: copyOf(), limits: { warmPending: 1_000 } });
    const s1 = world.session('s1');
    s1.reconcile();
    s1.publish('first', [1, 1, 1]);
    world.advance(400);
    // That write never ends.
    s1.apply(...Array.from({ length: 1_001 }, (_, i) => s1.publishing(`other-${i}`, [1, 1, 1])));
    expect(world.core.stats().warm).toMatchObject({ failures: 1, pending: 1 });
    world.step({ type: 'kept', token: world.keeps[0]!.token });
    expect(world.keeps.at(-1)).toMatchObject({ erase: 'all' });
    keepAll(world);
    expect(new Set(writes(world).map(([registerId]) => registerId)).size).toBe(1_002);
    expect(world.core.stats().warm).toMatchObject({ failures: 1, pending: 0 });
  });
});
