import { murmur3, slotOf } from '#sharding';
import { type SessionToData, missingOf } from '#model';
import { DATUM, DataWorld, ids, publication } from './data-world.harness.js';

describe('Leading', () => {
  it('begins with a table that names this incarnation, and keeps that table', () => {
    const world = new DataWorld({ lead: false });
    const s1 = world.session('s1');
    s1.send({ kind: 'interest', slot: 0, leaderEpoch: 7, dataInfoId: DATUM });
    expect(s1.last('moved')).toEqual({ kind: 'moved', slot: 0, leaderEpoch: 7, tableEpoch: 5 });
    world.assign('d1', 8);
    s1.leaderEpoch = 8;
    expect(s1.want()).toMatchObject({ leaderEpoch: 8, complete: true });
    expect(world.saved.at(-1)).toEqual(world.table);
  });

  it('ends with a table that names another: interest ends with moved, the contents are dropped', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    s1.publish('a', [100, 1, 9]);
    s1.want();
    world.assign('d2', 8);
    expect(s1.take('moved')).toEqual([{ kind: 'moved', slot: 0, leaderEpoch: 8, tableEpoch: 6 }]);
    s1.send({ kind: 'fetch', slot: 0, leaderEpoch: 7, dataInfoId: DATUM, requestId: 42 });
    expect(s1.last('moved')).toMatchObject({ requestId: 42, leaderEpoch: 8 });
    expect(world.core.slots()).toEqual([]);
    expect(world.core.datum(DATUM)).toBeUndefined();
  });

  it('refuses messages of an older leader epoch and goes on', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    s1.leaderEpoch = 6;
    s1.send({ kind: 'operations', slot: 0, leaderEpoch: 6, tableEpoch: 4, sequence: 1, operations: [] });
    expect(s1.take('applied')).toEqual([]);
    expect(s1.last('moved')).toMatchObject({ leaderEpoch: 7 });
    expect(world.core.slots()).toHaveLength(1);
  });

  it('stops at the word of a higher leader epoch, and never leads the lower one again', () => {
    const world = new DataWorld();
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s1.publish('a', [100, 1, 9]);
    s1.want();
    s2.leaderEpoch = 9;
    s2.send({ kind: 'digest', slot: 0, leaderEpoch: 9, tableEpoch: 8, number: 1, entries: [], removals: [] });
    expect(s2.last('moved')).toEqual({ kind: 'moved', slot: 0, leaderEpoch: 9, tableEpoch: 5 });
    expect(s1.last('moved')).toMatchObject({ leaderEpoch: 9 });
    world.join('s3');
    expect(world.core.slots()).toEqual([]);
    expect(missingOf(world.core.checks())).toBe('a newer table, for 1 slots that others lead');
    world.assign('d1', 8);
    expect(world.core.slots()).toEqual([]);
    world.assign('d1', 9);
    expect(world.core.slots()).toMatchObject([{ leaderEpoch: 9, publications: 0 }]);
    expect(world.core.checks()).toEqual([{ name: 'membership' }, { name: 'table' }, { name: 'slots' }]);
  });

  it('takes an assignment anew with the next leader epoch as a new leader: with what it has, and partial', () => {
    const world = new DataWorld({ sessions: ['s1'] });
    const s1 = world.session('s1');
    s1.reconcile([s1.publishing('a', [100, 1, 9])]);
    world.assign('d1', 8);
    expect(world.core.slots()).toMatchObject([
      { leaderEpoch: 8, sequence: 0, complete: false, publications: 1, waitingFor: ['s1'] },
    ]);
  });

  it('begins empty where somebody else led in between, who may have removed what it holds', () => {
    const world = new DataWorld({ sessions: ['s1'] });
    const s1 = world.session('s1');
    s1.reconcile([s1.publishing('a', [100, 1, 9])]);
    world.assign('d1', 9);
    expect(world.core.slots()).toMatchObject([{ leaderEpoch: 9, complete: false, publications: 0 }]);
  });

  it('never leads a leader epoch twice, whatever tables say: its versions would begin anew', () => {
    const world = new DataWorld();
    world.assign(null, 7);
    world.assign('d1', 7);
    expect(world.core.slots()).toEqual([]);
  });

  it('keeps its slot through tables that change something else', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    s1.publish('a', [100, 1, 9]);
    world.join('s1', 's2');
    expect(ids(s1.fetch().publications)).toEqual(['a']);
    expect(world.core.slots()).toMatchObject([{ complete: true }]);
  });

  it('goes on with what it leads while meta is away', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    world.isMetaUp = false;
    world.advance(30_000);
    expect(s1.publish('a', [100, 1, 9])).toMatchObject({ status: 'stored' });
  });

  it('asks for a restart when meta no longer knows it, and does nothing more', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    world.expel();
    expect(world.restarts).toBe(1);
    s1.inbox = [];
    s1.send({ kind: 'ping', sequence: 1 });
    expect(s1.inbox).toEqual([]);
  });

  it('says goodbye to meta when it stops', () => {
    const world = new DataWorld();
    world.step({ type: 'stop' });
    expect(world.toMeta.at(-1)).toEqual({ kind: 'leave', incarnation: 'd1' });
  });

  it('answers a table request with its table', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    s1.send({ kind: 'tableRequest' });
    expect(s1.last('table').table).toEqual(world.table);
  });

  it('takes only datums of the slot they are said to be in', () => {
    const world = new DataWorld();
    world.change((table) => {
      const other = { leader: 'd2', leaderEpoch: 1, followers: [], joining: [] };
      table.slots = [...table.slots, other];
    });
    const s1 = world.session('s1');
    const names = Array.from({ length: 20 }, (_, i) => `d${i}#@#I#@#G`);
    const foreign = names.find((name) => slotOf(name, 2) === 1)!;
    expect(murmur3(new TextEncoder().encode(foreign)) & 1).toBe(1);
    s1.send({ kind: 'interest', slot: 0, leaderEpoch: 7, dataInfoId: foreign });
    expect(s1.link).toBeUndefined();
    expect(world.core.stats().datums).toBe(0);
  });
});

describe('Links', () => {
  it('answers a ping', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    s1.send({ kind: 'ping', sequence: 3 });
    expect(s1.last('pong')).toEqual({ kind: 'pong', sequence: 3, tableEpoch: 5, clockMs: world.nowMs });
  });

  it('hangs up a link that fell silent, and ends its interest', () => {
    const world = new DataWorld();
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s1.want();
    s1.isAlive = false;
    world.advance(9_000);
    expect(s1.link).toBeDefined();
    world.advance(2_000);
    expect(s1.link).toBeUndefined();
    expect(s2.link).toBeDefined();
    expect(world.core.stats()).toMatchObject({ sessionLinks: 1, datums: 0 });
  });

  it('does not hang up because it stood still itself', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    world.pause(60_000);
    expect(s1.link).toBeDefined();
  });

  it('ends interest when a link breaks, is replaced, or loses it', () => {
    const world = new DataWorld();
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s1.want();
    s1.connect();
    s2.publish('a', [100, 1, 9]);
    expect(s1.take('change')).toEqual([]);
    expect(ids(s1.want().publications)).toEqual(['a']);
    s2.publish('b', [100, 1, 9]);
    expect(s1.take('change')).toHaveLength(1);
    s1.send({ kind: 'disinterest', slot: 0, leaderEpoch: 7, dataInfoId: DATUM });
    s2.publish('c', [100, 1, 9]);
    expect(s1.take('change')).toEqual([]);
  });

  it('hangs up on servers of other clusters and other roles', () => {
    const world = new DataWorld();
    const refused: unknown[] = [];
    for (const hello of [
      { protocol: 1, role: 'session' as const, incarnation: 'x', clusterId: 'c2' },
      { protocol: 1, role: 'data' as const, incarnation: 'y', clusterId: 'c2' },
      { protocol: 1, role: 'meta' as const, incarnation: 'z', clusterId: 'c1' },
    ]) {
      const link = world.newLink();
      const effects = world.core.step(world.nowMs, { type: 'linkUp', link, direction: 'in', address: 'x:1', hello });
      refused.push(...effects.filter((effect) => effect.type === 'hangUp' && effect.link === link));
    }
    expect(refused).toHaveLength(3);
    expect(world.core.stats().sessionLinks).toBe(0);
  });

  const operations = (operation: object): object => ({
    kind: 'operations',
    slot: 0,
    leaderEpoch: 7,
    tableEpoch: 5,
    sequence: 1,
    operations: [operation],
  });
  it.each<[string, unknown]>([
    ['nothing', null],
    ['no kind', {}],
    ['a slot that is none', { kind: 'interest', slot: -1, leaderEpoch: 7, dataInfoId: DATUM }],
    ['a dataInfoId that is none', { kind: 'interest', slot: 0, leaderEpoch: 7, dataInfoId: 5 }],
    ['operations that are no list', { ...operations({}), operations: 'x' }],
    ['an operation that is null', { ...operations({}), operations: [null] }],
    ['an unknown operation', operations({ op: 'rename' })],
    ['a publication without fields', operations({ op: 'publish', publication: {} })],
    ['a bad stamp', operations({ op: 'publish', publication: { ...publication('a', 's1'), stamp: [1, 2] } })],
    ['a body that is text', operations({ op: 'publish', publication: { ...publication('a', 's1'), body: 'x' } })],
    ['no owner', operations({ op: 'publish', publication: { ...publication('a', 's1'), owner: undefined } })],
    [
      'an owner that needs a disk',
      operations({ op: 'publish', publication: { ...publication('a', 's1'), owner: { kind: 'persistent' } } }),
    ],
    [
      'an endless lease',
      operations({
        op: 'publish',
        publication: { ...publication('a', 's1'), owner: { kind: 'leased', leaseMs: Infinity } },
      }),
    ],
    [
      'an unknown cause',
      operations({ op: 'unpublish', registerId: 'a', dataInfoId: DATUM, stamp: null, cause: 'mood' }),
    ],
    [
      'a digest without stamps',
      {
        kind: 'digest',
        slot: 0,
        leaderEpoch: 7,
        number: 1,
        entries: [{ registerId: 'a', dataInfoId: DATUM }],
        removals: [],
      },
    ],
    ['no table', { kind: 'table', table: { clusterId: 'c1', epoch: 9 } }],
    ['a relay to nobody', { kind: 'relayOpen', relay: 1 }],
    ['a relay without a number', { kind: 'relayOpen', to: 'd2' }],
    ['nothing to be passed on', { kind: 'relay', relay: 1, message: 'hello' }],
  ])('hangs up on a message with %s, and nobody else notices', (_what, message) => {
    const world = new DataWorld();
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s2.publish('kept', [100, 1, 9]);
    s1.send(message as SessionToData);
    expect(s1.link).toBeUndefined();
    expect(ids(s2.fetch().publications)).toEqual(['kept']);
  });

  it('ignores messages of kinds that it does not know yet', () => {
    const s1 = new DataWorld().session('s1');
    s1.send({ kind: 'gossip', slot: 0 } as unknown as SessionToData);
    expect(s1.link).toBeDefined();
    expect(s1.inbox).toEqual([]);
  });

  it('hangs up on talk of a slot that the table does not have', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    s1.send({ kind: 'interest', slot: 999, leaderEpoch: 1, dataInfoId: DATUM });
    expect(s1.link).toBeUndefined();
  });

  it('answers moved while it has no table at all', () => {
    const world = new DataWorld({ isMetaUp: false });
    const s1 = world.session('s1');
    s1.send({ kind: 'interest', slot: 0, leaderEpoch: 7, dataInfoId: DATUM });
    expect(s1.last('moved')).toEqual({ kind: 'moved', slot: 0, leaderEpoch: 0, tableEpoch: 0 });
  });
});
