import { DataWorld, ids, leased, stored } from './data-world.harness.js';

describe('Orphans', () => {
  function orphaned(): {
    world: DataWorld;
    s1: ReturnType<DataWorld['session']>;
    s2: ReturnType<DataWorld['session']>;
  } {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    for (const session of [s1, s2]) session.reconcile();
    s1.publish('a', [100, 1, 9]);
    s1.publish('L.b', [7, 1, 0], leased(3_600_000));
    s2.want();
    return { world, s1, s2 };
  }

  it('leave a grace after the last frame, when the table does not name their session server', () => {
    const { world, s1, s2 } = orphaned();
    s1.die();
    world.expire('s1');
    world.advance(4_500);
    expect(ids(s2.fetch().publications)).toEqual(['L.b', 'a']);
    world.advance(1_500);
    expect(s2.last('change')).toMatchObject({
      removals: [{ registerId: 'a', stamp: [100, 1, 9], cause: 'grace-expired' }],
    });
    expect(ids(s2.fetch().publications)).toEqual(['L.b']);
    expect(world.core.removals(0)).toMatchObject([{ cause: 'grace-expired', by: 'leader' }]);
  });

  it('stay longer where their session server fell silent, since its clients take a while to notice', () => {
    const { world, s1, s2 } = orphaned();
    s1.fallSilent();
    world.expire('s1');
    world.advance(11_500);
    expect(ids(s2.fetch().publications)).toEqual(['L.b', 'a']);
    world.advance(1_500);
    expect(ids(s2.fetch().publications)).toEqual(['L.b']);
  });

  it('stay for the grace from when its link broke, where their session server stood still and has just found itself expelled', () => {
    const { world, s1, s2 } = orphaned();
    s1.fallSilent();
    world.advance(3_000);
    world.expire('s1');
    world.advance(5_000);
    s1.die();
    world.advance(4_500);
    expect(ids(s2.fetch().publications)).toEqual(['L.b', 'a']);
    world.advance(1_500);
    expect(ids(s2.fetch().publications)).toEqual(['L.b']);
  });

  it('stay while the table names their session server, however silent it is', () => {
    const { world, s1, s2 } = orphaned();
    s1.die();
    world.advance(60_000);
    expect(ids(s2.fetch().publications)).toEqual(['L.b', 'a']);
  });

  it('stay while their session server talks, though it was expired', () => {
    const { world, s2 } = orphaned();
    world.expire('s1');
    world.advance(60_000);
    expect(ids(s2.fetch().publications)).toEqual(['L.b', 'a']);
  });

  it('stay while meta is unreachable: nothing it said before proves an absence now', () => {
    const { world, s1, s2 } = orphaned();
    world.expire('s1');
    world.isMetaUp = false;
    world.advance(3_000);
    s1.die();
    world.advance(60_000);
    expect(ids(s2.fetch().publications)).toEqual(['L.b', 'a']);
    world.isMetaUp = true;
    world.advance(10_000);
    expect(ids(s2.fetch().publications)).toEqual(['L.b']);
  });

  it('stay while meta has not led for a lease', () => {
    const { world, s1, s2 } = orphaned();
    world.isMetaSettled = false;
    s1.die();
    world.expire('s1');
    world.advance(30_000);
    expect(ids(s2.fetch().publications)).toEqual(['L.b', 'a']);
    world.isMetaSettled = true;
    world.advance(1_000);
    expect(ids(s2.fetch().publications)).toEqual(['L.b']);
  });

  it.each(['data', 'session'] as const)(
    'stay while so many %s servers are missed, and for a longer grace after',
    (role) => {
      const { world, s1, s2 } = orphaned();
      world.protect(true, role);
      s1.die();
      world.expire('s1');
      world.advance(60_000);
      expect(ids(s2.fetch().publications)).toEqual(['L.b', 'a']);
      // Now there are servers for the clients to return to, and they take their time.
      world.protect(false);
      world.advance(19_500);
      expect(ids(s2.fetch().publications)).toEqual(['L.b', 'a']);
      world.advance(1_500);
      expect(ids(s2.fetch().publications)).toEqual(['L.b']);
      expect(world.core.removals(0)).toMatchObject([{ cause: 'grace-expired', by: 'leader' }]);
    },
  );

  it('do not keep a slot from completion while they stay', () => {
    const world = new DataWorld({ sessions: ['s1', 's2', 's3'] });
    world.protect(true);
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s1.publish('a', [100, 1, 9]);
    s2.reconcile();
    s1.die();
    world.expire('s1');
    world.expire('s3');
    world.advance(10_000);
    expect(s2.fetch()).toMatchObject({ complete: true, publications: [{ registerId: 'a' }] });
    // What its owner takes back leaves all the same.
    s2.unpublish('a', [100, 2, 9]);
    expect(s2.fetch().publications).toEqual([]);
  });

  it('stay while there is no session server to return to', () => {
    const { world, s1, s2 } = orphaned();
    s1.die();
    s2.die();
    world.expire('s1');
    world.expire('s2');
    world.advance(60_000);
    expect(world.core.stats().publications).toBe(2);
    world.join('s3');
    world.advance(4_500);
    expect(world.core.stats().publications).toBe(2);
    world.advance(1_500);
    expect(world.core.stats().publications).toBe(1);
  });

  it('wait for completeness, since what replaces them may still be on its way', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const s1 = world.session('s1');
    s1.reconcile([s1.publishing('a', [100, 1, 9])]);
    s1.die();
    world.expire('s1');
    world.advance(30_000);
    expect(world.core.stats().publications).toBe(1);
    const s2 = world.session('s2');
    s2.reconcile([s2.publishing('a', [100, 2, 9])]);
    world.advance(1_000);
    expect(ids(s2.fetch().publications)).toEqual(['a']);
  });

  it('are not made by a pause of the leader itself', () => {
    const { world, s2 } = orphaned();
    world.expire('s1');
    world.pause(30_000);
    world.advance(200);
    expect(ids(s2.fetch().publications)).toEqual(['L.b', 'a']);
  });

  it('are removed in bounded steps, all of them in the end', () => {
    const { world, s1, s2 } = orphaned();
    s1.apply(...Array.from({ length: 12_000 }, (_, i) => s1.publishing(`r${i}`, [100, 1, 9])));
    s1.die();
    world.expire('s1');
    world.advance(6_000);
    const changes = s2.take('change').filter(({ removals }) => removals.length > 0);
    expect(Math.max(...changes.map(({ removals }) => removals.length))).toBeLessThanOrEqual(5_000);
    expect(ids(s2.fetch().publications)).toEqual(['L.b']);
  });
});

describe('Leases', () => {
  function withLease(): {
    world: DataWorld;
    s1: ReturnType<DataWorld['session']>;
    s2: ReturnType<DataWorld['session']>;
  } {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    for (const session of [s1, s2]) session.reconcile();
    s1.publish('L.a', null, leased(5_000));
    s2.want();
    world.advance(500);
    return { world, s1, s2 };
  }

  it('end when nobody renews them, and every session server is told', () => {
    const { world, s1, s2 } = withLease();
    const { stamp } = s2.fetch().publications[0]!;
    world.advance(4_000);
    expect(ids(s2.fetch().publications)).toEqual(['L.a']);
    world.advance(1_000);
    expect(s2.last('change')).toMatchObject({ removals: [{ registerId: 'L.a', stamp, cause: 'lease-ended' }] });
    for (const session of [s1, s2]) {
      expect(session.last('leaseEnded')).toMatchObject({
        slot: 0,
        leaderEpoch: 7,
        ended: [{ registerId: 'L.a', stamp }],
      });
    }
    expect(s1.renew('L.a')).toMatchObject({ status: 'failed', failure: { code: 'NOT_REGISTERED' } });
  });

  it('live on with every renewal, through any session server', () => {
    const { world, s1, s2 } = withLease();
    for (const session of [s1, s2, s1, s2]) {
      expect(session.renew('L.a')).toEqual({ status: 'renewed', expiresInMs: 5_000 });
      world.advance(4_000);
    }
    expect(ids(s2.fetch().publications)).toEqual(['L.a']);
  });

  it('hand the publication to a session server that adopts it', () => {
    const { s2 } = withLease();
    expect(s2.renew('L.a', true)).toMatchObject({
      status: 'renewed',
      publication: { registerId: 'L.a', owner: { kind: 'leased', leaseMs: 5_000 } },
    });
  });

  it('are copied to another session server when the one that holds the copy is gone', () => {
    const { world, s1, s2 } = withLease();
    const { stamp } = s1.fetch().publications[0]!;
    world.advance(200);
    expect(s2.take('adopt')).toEqual([]);
    s1.die();
    world.advance(200);
    expect(s2.last('adopt')).toMatchObject({ slot: 0, leaderEpoch: 7, publications: [{ registerId: 'L.a', stamp }] });
    world.advance(200);
    expect(s2.take('adopt')).toEqual([]);
  });

  it('are copied at once while the leader still waits for another session server', () => {
    const world = new DataWorld({ sessions: ['s1', 's2', 's3'] });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    for (const session of [s1, s2]) session.reconcile();
    s1.publish('L.a', null, leased(5_000));
    expect(s2.want()).toMatchObject({ complete: false });
    s1.die();
    world.advance(1);
    expect(s2.last('adopt')).toMatchObject({ publications: [{ registerId: 'L.a' }] });
  });

  it('are offered again to one that did not take the copy, and to nobody while nobody is there', () => {
    const { world, s1, s2 } = withLease();
    s2.die();
    s1.die();
    world.advance(1_000);
    s2.isAlive = true;
    s2.connect();
    world.advance(200);
    expect(s2.take('adopt')).toHaveLength(1);
    s2.reconcile();
    world.advance(200);
    expect(s2.take('adopt')).toHaveLength(1);
  });

  it('are not copied when another session server has adopted them already', () => {
    const { world, s1, s2 } = withLease();
    s2.renew('L.a', true);
    s1.die();
    world.advance(400);
    expect(s2.take('adopt')).toEqual([]);
  });

  it('count from the last publication, with the length it asked for', () => {
    const { world, s1 } = withLease();
    s1.publish('L.a', null, leased(60_000));
    world.advance(50_000);
    expect(s1.renew('L.a')).toEqual({ status: 'renewed', expiresInMs: 60_000 });
    s1.publish('L.a', null, leased(1_000));
    world.advance(1_500);
    expect(s1.renew('L.a')).toMatchObject({ failure: { code: 'NOT_REGISTERED' } });
  });

  it('end with an unpublish, once', () => {
    const { world, s1, s2 } = withLease();
    const { stamp } = stored(s1.unpublish('L.a', null));
    // Another session server may hold a copy, which it must not replay to a next leader.
    expect(s2.last('leaseEnded')).toMatchObject({ ended: [{ registerId: 'L.a', stamp }] });
    world.advance(10_000);
    expect(s2.take('leaseEnded')).toEqual([]);
  });

  it('begin in full at a new leader', () => {
    const world = new DataWorld({ sessions: ['s1'] });
    const s1 = world.session('s1');
    world.advance(4_000);
    s1.reconcile([s1.publishing('L.a', [7, 1, 0], leased(5_000))]);
    world.advance(4_500);
    expect(ids(s1.fetch().publications)).toEqual(['L.a']);
    world.advance(1_000);
    expect(ids(s1.fetch().publications)).toEqual([]);
  });

  it('do not end while the leader is out of touch with meta, and then begin anew', () => {
    const { world, s1, s2 } = withLease();
    world.isMetaUp = false;
    world.advance(60_000);
    expect(ids(s2.fetch().publications)).toEqual(['L.a']);
    expect(s1.renew('unknown')).toMatchObject({ failure: { code: 'NO_LEADER' } });
    world.isMetaUp = true;
    world.advance(20_000);
    expect(ids(s2.fetch().publications)).toEqual([]);
  });

  it('do not end while so many servers are missed that renewals may find no way, and then begin anew', () => {
    const { world, s1, s2 } = withLease();
    world.protect(true);
    world.advance(33_000);
    world.protect(false);
    world.advance(4_900);
    expect(s1.take('leaseEnded')).toEqual([]);
    expect(ids(s2.fetch().publications)).toEqual(['L.a']);
    world.advance(5_000);
    expect(s1.take('leaseEnded')).toHaveLength(1);
  });

  it('do not end because the leader itself stood still', () => {
    const { world, s2 } = withLease();
    world.pause(20_000);
    world.advance(500);
    expect(s2.renew('L.a')).toMatchObject({ status: 'renewed' });
  });

  it('are not denied while the leader cannot know them all', () => {
    const world = new DataWorld({ sessions: ['s1'] });
    const s1 = world.session('s1');
    expect(s1.renew('L.a')).toMatchObject({ failure: { code: 'PENDING' } });
  });

  it('are not found for what has none', () => {
    const { s1 } = withLease();
    s1.publish('c', [100, 1, 9]);
    expect(s1.renew('c')).toMatchObject({ failure: { code: 'NOT_REGISTERED' } });
  });

  it('meet the tombstone when the session server was away as they ended', () => {
    const { world, s1 } = withLease();
    const { stamp } = s1.fetch().publications[0]!;
    s1.die();
    world.advance(6_000);
    s1.isAlive = true;
    s1.connect();
    expect(s1.digest([s1.publishing('L.a', stamp, leased(5_000))]).stale).toEqual([{ registerId: 'L.a', held: stamp }]);
  });
});
