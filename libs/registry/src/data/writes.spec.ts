import { DATUM, DataWorld, type TestSession, ids, leased, publication, shown, stored } from './data-world.harness.js';

describe('Writing to a complete slot', () => {
  let world: DataWorld;
  let session: TestSession;
  let watcher: TestSession;

  beforeEach(() => {
    world = new DataWorld();
    session = world.session('s1');
    watcher = world.session('s2');
  });

  it('is complete at once when nobody is waited for', () => {
    expect(world.core.slots()).toMatchObject([{ slot: 0, leaderEpoch: 7, complete: true, waitingFor: [] }]);
    expect(watcher.fetch()).toMatchObject({ complete: true, publications: [], requestId: 1 });
  });

  it('stores a publication and tells who is interested, from one version to the next', () => {
    const before = watcher.want();
    const result = session.publish('a', [100, 1, 9]);
    expect(result).toMatchObject({ status: 'stored', stamp: [100, 1, 9] });
    const change = watcher.last('change');
    expect(change).toMatchObject({ dataInfoId: DATUM, from: before.version, complete: true, removals: [] });
    expect(change.to).toEqual(stored(result).version);
    expect(ids(change.upserts)).toEqual(['a']);
    expect(session.take('change')).toEqual([]);
  });

  it('answers the writer behind all whom it tells, and before what it tells over the same link', () => {
    const heard: string[] = [];
    for (const one of [session, watcher]) {
      one.want();
      const hears = one.hears.bind(one);
      one.hears = (link, message) => {
        if (link === one.link) heard.push(`${one.incarnation} ${message.kind}`);
        hears(link, message);
      };
    }
    session.publish('a', [100, 1, 9]);
    expect(heard).toEqual(['s2 change', 's1 applied', 's1 change']);
  });

  it('answers operations in order, and makes one change per datum of them', () => {
    watcher.want();
    const other = 'users#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP';
    const results = session.apply(
      session.publishing('a', [100, 1, 9]),
      session.publishing('b', [100, 1, 8]),
      session.publishing('u', [100, 1, 7], { dataInfoId: other }),
      { op: 'unpublish', registerId: 'a', dataInfoId: DATUM, stamp: [100, 2, 9], cause: 'goodbye' },
      session.publishing('b', [99, 1, 8]),
    );
    expect(results.map(({ status }) => status)).toEqual(['stored', 'stored', 'stored', 'stored', 'stale']);
    expect(results[4]).toEqual({ status: 'stale', held: [100, 1, 8] });
    const changes = watcher.take('change');
    expect(changes).toHaveLength(1);
    expect(ids(changes[0]!.upserts)).toEqual(['b']);
    expect(changes[0]!.removals).toEqual([{ registerId: 'a', stamp: [100, 2, 9], cause: 'goodbye' }]);
    expect(watcher.fetch().version).toEqual(changes[0]!.to);
  });

  it('says of a datum that it is back when it was removed and published in one message', () => {
    session.publish('a', [100, 1, 9]);
    watcher.want();
    session.apply(
      { op: 'unpublish', registerId: 'a', dataInfoId: DATUM, stamp: [100, 2, 9], cause: 'unpublish' },
      session.publishing('a', [100, 3, 9]),
    );
    const change = watcher.last('change');
    expect(ids(change.upserts)).toEqual(['a']);
    expect(change.removals).toEqual([]);
  });

  it('gives every interested session server the same object, so that it is encoded once', () => {
    const other = world.session('s3');
    watcher.want();
    other.want();
    session.publish('a', [100, 1, 9]);
    expect(watcher.last('change')).toBe(other.last('change'));
  });

  it('tells a temporary publication to who is interested, behind what was changed before, and keeps nothing of it', () => {
    const before = watcher.want();
    const { leaderEpoch } = session;
    const temporary = { ...publication('t', 's1'), stamp: [1, 0, 0] as const };
    session.send({
      kind: 'announce',
      slot: 0,
      leaderEpoch,
      requestId: 5,
      publication: { ...temporary, stamp: [1, 0, 0] },
    });
    expect(session.last('announced')).toMatchObject({ slot: 0, requestId: 5 });
    expect(watcher.last('temporary')).toMatchObject({ leaderEpoch, publication: { registerId: 't' } });
    expect(session.take('temporary')).toEqual([]);
    expect(watcher.take('change')).toEqual([]);
    expect(watcher.fetch()).toMatchObject({ version: before.version, publications: [] });
    expect(session.reconcile().registerIds).toEqual([]);
    expect(world.core.slots()).toMatchObject([{ publications: 0, tombstones: 0 }]);
  });

  it('takes an identical publication with its newer stamp and owner at an unchanged version', () => {
    const first = session.publish('a', [100, 1, 9]);
    watcher.want();
    const again = watcher.publish('a', [100, 2, 9], { registerTimestamp: 77 });
    expect(again).toMatchObject({ status: 'stored', stamp: [100, 2, 9] });
    expect(stored(again).version).toEqual(stored(first).version);
    const change = watcher.last('change');
    expect(change.from).toEqual(change.to);
    // What is shown at one version never differs.
    expect(change.upserts).toMatchObject([{ stamp: [100, 2, 9], owner: { session: 's2' }, registerTimestamp: 1 }]);
  });

  it.each([
    ['body', { body: new Uint8Array([1, 2, 4]) }],
    ['zone', { zone: 'z2' }],
    ['application', { appName: 'store' }],
  ])('raises the version for another %s', (_field, fields) => {
    session.publish('a', [100, 1, 9]);
    const before = watcher.want();
    session.publish('a', [100, 2, 9], fields);
    const change = watcher.last('change');
    expect(change.to.sequence).toBeGreaterThan(before.version.sequence);
    expect(change.upserts).toMatchObject([fields]);
  });

  it('refuses a clean-up at the old stamp after the client has replayed elsewhere', () => {
    session.publish('a', [100, 1, 9]);
    watcher.publish('a', [100, 2, 9]);
    const cleanUp = session.apply({
      op: 'unpublish',
      registerId: 'a',
      dataInfoId: DATUM,
      stamp: [100, 1, 9],
      cause: 'grace-expired',
    });
    expect(cleanUp).toEqual([{ status: 'stale', held: [100, 2, 9] }]);
    expect(ids(watcher.fetch().publications)).toEqual(['a']);
  });

  it('remembers a removal of what it never had, until the tombstone expires', () => {
    session.unpublish('a', [100, 5, 9]);
    expect(watcher.publish('a', [100, 4, 9])).toEqual({ status: 'stale', held: [100, 5, 9] });
    expect(watcher.publish('a', [100, 5, 9])).toEqual({ status: 'stale', held: [100, 5, 9] });
    expect(session.unpublish('a', [100, 5, 9])).toMatchObject({ status: 'stored' });
    expect(world.core.stats()).toMatchObject({ tombstones: 1, datums: 1 });
    world.advance(10 * 60_000 + 1_000);
    expect(world.core.stats()).toMatchObject({ tombstones: 0, datums: 0 });
    expect(watcher.publish('a', [100, 4, 9])).toMatchObject({ status: 'stored' });
  });

  it('keeps versions rising across a datum that was forgotten', () => {
    session.publish('a', [100, 1, 9]);
    session.unpublish('a', [100, 2, 9]);
    const { version } = watcher.fetch();
    world.advance(10 * 60_000 + 1_000);
    expect(world.core.stats().datums).toBe(0);
    expect(watcher.fetch().version.sequence).toBeGreaterThanOrEqual(version.sequence);
    const again = stored(session.publish('a', [100, 3, 9]));
    expect(again.version.sequence).toBeGreaterThan(version.sequence);
  });

  it('remembers who asked for a disappearance, and why', () => {
    session.publish('a', [100, 1, 9]);
    session.unpublish('a', [100, 2, 9]);
    expect(world.core.removals(0)).toMatchObject([
      { registerId: 'a', dataInfoId: DATUM, cause: 'unpublish', stamp: [100, 2, 9], by: 's1' },
    ]);
  });

  it('keeps a bounded number of disappearances, the latest', () => {
    for (let i = 0; i < 300; i++) {
      session.publish(`r${i}`, [100, 1, 9]);
      session.unpublish(`r${i}`, [100, 2, 9]);
    }
    const removals = world.core.removals(0);
    expect(removals.length).toBeLessThan(200);
    expect(removals.at(-1)).toMatchObject({ registerId: 'r299' });
    expect(removals[0]!.registerId).toBe(`r${300 - removals.length}`);
  });

  it('does not let a body keep the frame alive that brought it', () => {
    const frame = new Uint8Array(10_000);
    session.publish('a', [100, 1, 9], { body: frame.subarray(5, 25) });
    expect(watcher.fetch().publications[0]!.body.buffer.byteLength).toBe(20);
  });

  describe('without a stamp', () => {
    it('stamps with the leader epoch and a sequence, which is consumed also when nothing changes', () => {
      const first = stored(session.publish('L.a', null, leased(5_000)));
      const again = stored(session.publish('L.a', null, leased(5_000)));
      expect(first.stamp[0]).toBe(7);
      expect(again.stamp[1]).toBeGreaterThan(first.stamp[1]);
      expect(again.version).toEqual(first.version);
    });

    it('wins over whatever is held, live or removed', () => {
      session.publish('L.a', [1_700_000_000_000, 4, 9], leased(5_000));
      expect(session.publish('L.a', null, leased(5_000))).toMatchObject({ stamp: [1_700_000_000_000, 5, 0] });
      expect(session.unpublish('L.a', null)).toMatchObject({ status: 'stored', stamp: [1_700_000_000_000, 6, 0] });
      expect(session.publish('L.a', null, leased(5_000))).toMatchObject({ stamp: [1_700_000_000_000, 7, 0] });
      expect(ids(watcher.fetch().publications)).toEqual(['L.a']);
    });

    it('removes what is already gone without complaint', () => {
      expect(session.unpublish('L.a', null)).toMatchObject({ status: 'stored' });
    });
  });

  it('shows a datum with its version to people', () => {
    session.publish('a', [100, 1, 9]);
    const report = world.core.datum(DATUM)!;
    expect(ids(report.publications)).toEqual(['a']);
    expect(shown(report.version)).toBe('7.2');
    expect(world.core.stats()).toMatchObject({ slotsLed: 1, slotsPartial: 0, publications: 1, sessionLinks: 2 });
  });
});
