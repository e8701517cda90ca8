import { DATUM, DataWorld, ids, leased } from './data-world.harness.js';

describe('A new leader', () => {
  it('answers at once, but not completely, until its session servers have reconciled', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    expect(s1.want()).toMatchObject({ complete: false, publications: [] });

    const held = [s1.publishing('a', [100, 1, 9])];
    expect(s1.digest(held)).toMatchObject({ registerIds: ['a'], stale: [] });
    expect(world.core.slots()[0]!.waitingFor).toEqual(['s1', 's2']);
    s1.reconcile(held);
    expect(s1.last('reconciled')).toMatchObject({ number: 2, stale: [] });
    expect(s1.last('change')).toMatchObject({ complete: false, upserts: [{ registerId: 'a' }] });
    expect(s1.fetch()).toMatchObject({ complete: false });
    expect(world.core.slots()[0]!.waitingFor).toEqual(['s2']);

    s2.reconcile();
    const complete = s1.last('datum');
    expect(complete).toMatchObject({ complete: true, publications: [{ registerId: 'a' }] });
    expect(s1.fetch()).toMatchObject({ complete: true, version: complete.version });
  });

  it('raises the version of every datum when it becomes complete', () => {
    const world = new DataWorld({ sessions: ['s1'] });
    const s1 = world.session('s1');
    s1.publish('a', [100, 1, 9]);
    const partial = s1.want();
    const untouched = s1.fetch('other#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP');
    s1.reconcile([s1.publishing('a', [100, 1, 9])]);
    const complete = s1.last('datum');
    expect(complete.version.sequence).toBeGreaterThan(partial.version.sequence);
    expect(s1.fetch(untouched.dataInfoId).version.sequence).toBe(complete.version.sequence);
    expect(s1.take('change')).toEqual([]);
  });

  it('waits also for session incarnations that left the table lately', () => {
    const world = new DataWorld({ sessions: ['s2'], departed: ['s1'] });
    expect(world.core.slots()[0]!.waitingFor).toEqual(['s2', 's1']);
  });

  it('never waits for one that joins later', () => {
    const world = new DataWorld({ sessions: ['s1'] });
    world.join('s2');
    world.session('s1').reconcile();
    expect(world.core.slots()[0]).toMatchObject({ complete: true });
  });

  it('is not satisfied by a reconcile that answers an older digest', () => {
    const world = new DataWorld({ sessions: ['s1'] });
    const s1 = world.session('s1');
    s1.digest();
    s1.digest();
    s1.send({ kind: 'reconcile', slot: 0, leaderEpoch: 7, number: 1, operations: [] });
    expect(world.core.slots()[0]).toMatchObject({ complete: false });
    s1.send({ kind: 'reconcile', slot: 0, leaderEpoch: 7, number: 2, operations: [] });
    expect(world.core.slots()[0]).toMatchObject({ complete: true });
  });

  it('tells the digest what it refuses, with the stamp held', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s2.publish('a', [100, 2, 9]);
    s2.unpublish('b', [100, 2, 8]);
    const want = s1.reconcile([
      s1.publishing('a', [100, 1, 9]),
      s1.publishing('b', [100, 2, 8]),
      s1.publishing('c', [1, 1, 1]),
    ]);
    expect(want.registerIds).toEqual(['c']);
    expect(want.stale).toEqual([
      { registerId: 'a', held: [100, 2, 9] },
      { registerId: 'b', held: [100, 2, 8] },
    ]);
  });

  it('learns removals from digests, and tells of them also when it never had the entry', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s2.want();
    s1.reconcile([], [{ registerId: 'a', stamp: [100, 2, 9] }]);
    // Session servers may show it from the leader before.
    expect(s2.last('change')).toMatchObject({ complete: false, removals: [{ registerId: 'a', stamp: [100, 2, 9] }] });
    expect(s2.reconcile([s2.publishing('a', [100, 1, 9])]).stale).toEqual([{ registerId: 'a', held: [100, 2, 9] }]);
    expect(s2.fetch()).toMatchObject({ complete: true, publications: [] });
  });

  it('sends the removals known so far along with a partial datum, which removes nothing by absence', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s1.reconcile([], [{ registerId: 'a', stamp: [100, 2, 9] }]);
    const { version } = s2.want();
    expect(s2.last('change')).toMatchObject({
      ...{ from: version, to: version, complete: false, upserts: [] },
      removals: [{ registerId: 'a', stamp: [100, 2, 9], cause: 'unpublish' }],
    });
    s2.reconcile();
    s2.want();
    expect(s2.take('change')).toEqual([]);
  });

  describe('waiting for a session server that is gone', () => {
    it('waits while the table names it, however silent it is, and reports it', () => {
      const world = new DataWorld({ sessions: ['s1', 's2'] });
      world.session('s1').reconcile();
      world.advance(9_000);
      expect(world.reported.flat()).toEqual([]);
      world.advance(60_000);
      expect(world.core.slots()[0]).toMatchObject({ complete: false, waitingFor: ['s2'] });
      expect(world.reported.at(-1)).toEqual(['s2']);
    });

    it('stops reporting it once it has reconciled', () => {
      const world = new DataWorld({ sessions: ['s1'] });
      const s1 = world.session('s1');
      world.advance(12_000);
      expect(world.reported.at(-1)).toEqual(['s1']);
      s1.reconcile();
      world.advance(2_000);
      expect(world.reported.at(-1)).toEqual([]);
    });

    it('gives it up a grace after its removal from the table', () => {
      const world = new DataWorld({ sessions: ['s1', 's2'] });
      world.session('s1').reconcile();
      world.advance(20_000);
      world.expire('s2');
      world.advance(4_500);
      expect(world.core.slots()[0]).toMatchObject({ complete: false });
      world.advance(1_000);
      expect(world.core.slots()[0]).toMatchObject({ complete: true });
    });

    it('gives it up a grace after promotion when it had left before', () => {
      const world = new DataWorld({ sessions: ['s1'], departed: ['s2'] });
      world.session('s1').reconcile();
      world.advance(4_500);
      expect(world.core.slots()[0]).toMatchObject({ complete: false });
      world.advance(1_000);
      expect(world.core.slots()[0]).toMatchObject({ complete: true });
    });

    it('waits while it talks, though the table no longer names it', () => {
      const world = new DataWorld({ sessions: ['s1', 's2'] });
      world.session('s1').reconcile();
      const s2 = world.session('s2');
      world.expire('s2');
      world.advance(30_000);
      expect(world.core.slots()[0]).toMatchObject({ complete: false });
      s2.die();
      world.advance(3_900);
      expect(world.core.slots()[0]).toMatchObject({ complete: false });
      world.advance(1_700);
      expect(world.core.slots()[0]).toMatchObject({ complete: true });
    });

    it('gives nobody up while clients have no session server to return to', () => {
      const world = new DataWorld({ sessions: ['s1'] });
      world.expire('s1');
      world.advance(60_000);
      expect(world.core.slots()[0]).toMatchObject({ complete: false });
      world.join('s2');
      world.advance(4_500);
      expect(world.core.slots()[0]).toMatchObject({ complete: false });
      world.advance(1_000);
      expect(world.core.slots()[0]).toMatchObject({ complete: true });
    });

    it('does not take a pause of its own for the silence of others', () => {
      const world = new DataWorld({ sessions: ['s1', 's2'] });
      world.session('s1').reconcile();
      world.expire('s2');
      world.pause(20_000);
      expect(world.core.slots()[0]).toMatchObject({ complete: false });
      world.advance(6_000);
      expect(world.core.slots()[0]).toMatchObject({ complete: true });
    });
  });
});

describe('What its own session server no longer holds', () => {
  it('is removed as unclaimed, once the slot is complete', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s1.publish('a', [100, 1, 9]);
    s1.publish('b', [100, 1, 8]);
    s1.reconcile([s1.publishing('a', [100, 1, 9])]);
    expect(ids(s1.fetch().publications)).toEqual(['a', 'b']);
    s2.reconcile();
    expect(ids(s1.fetch().publications)).toEqual(['a']);
    expect(world.core.removals(0)).toMatchObject([
      { registerId: 'b', cause: 'unclaimed', stamp: [100, 1, 8], by: 's1' },
    ]);
    expect(s1.publish('b', [100, 1, 8])).toMatchObject({ status: 'stale' });
  });

  it('is removed at the digest when the slot is complete already', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    s1.publish('a', [100, 1, 9]);
    s1.want();
    s1.digest();
    expect(s1.last('change')).toMatchObject({ complete: true, removals: [{ registerId: 'a', cause: 'unclaimed' }] });
  });

  it('stays when it has been published again since, or elsewhere', () => {
    const world = new DataWorld({ sessions: ['s1', 's2', 's3'] });
    const [s1, s2, s3] = [world.session('s1'), world.session('s2'), world.session('s3')];
    for (const id of ['a', 'b', 'c']) s1.publish(id, [100, 1, 9]);
    s1.reconcile();
    s1.publish('a', [100, 2, 9]);
    s2.publish('b', [100, 2, 9]);
    s2.reconcile([s2.publishing('b', [100, 2, 9])]);
    s3.reconcile();
    expect(ids(s1.fetch().publications)).toEqual(['a', 'b']);
  });

  it('says nothing about other owners, nor about leases', () => {
    const world = new DataWorld();
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s1.publish('a', [100, 1, 9]);
    s2.publish('b', [100, 1, 9]);
    s2.publish('L.c', [7, 1, 0], leased(60_000));
    s2.digest();
    expect(ids(s1.fetch().publications)).toEqual(['L.c', 'a']);
  });

  it('is judged by the latest digest only', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s1.publish('a', [100, 1, 9]);
    s1.reconcile();
    s1.reconcile([s1.publishing('a', [100, 1, 9])]);
    s2.reconcile();
    expect(ids(s1.fetch().publications)).toEqual(['a']);
  });

  it('is not judged by a digest that an abandoned connection delivers late', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    s1.digestNumber = 5;
    s1.digest();
    s1.publish('a', [100, 1, 9]);
    s1.connect();
    s1.send({ kind: 'digest', slot: 0, leaderEpoch: 7, tableEpoch: 5, number: 4, entries: [], removals: [] });
    expect(s1.take('want')).toEqual([]);
    expect(ids(s1.fetch().publications)).toEqual(['a']);
  });

  it('is not judged by anything read from an older link', () => {
    const world = new DataWorld();
    const s1 = world.session('s1');
    const older = s1.link;
    s1.publish('a', [100, 1, 9]);
    s1.connect();
    s1.send({ kind: 'digest', slot: 0, leaderEpoch: 7, tableEpoch: 5, number: 9, entries: [], removals: [] }, older);
    s1.send(
      {
        kind: 'operations',
        slot: 0,
        leaderEpoch: 7,
        tableEpoch: 5,
        sequence: 9,
        operations: [s1.publishing('b', [1, 1, 1])],
      },
      older,
    );
    expect(ids(s1.fetch().publications)).toEqual(['a']);
    expect(world.core.datum(DATUM)!.publications).toHaveLength(1);
  });
});
