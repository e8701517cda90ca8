import { DataWorld, ids, shown, stored } from './data-world.harness.js';

/** Restarted while no meta server answers, on the table that its own former incarnation has saved. */
function restarted(options: { sessions?: string[]; run?: number } = {}): DataWorld {
  return new DataWorld({ isMetaUp: false, savedBy: 'd0', run: 3, ...options });
}

describe('a data server that is restarted while meta is away', () => {
  it('leads by its saved table once meta has not been found for a while, above the sequences of earlier runs', () => {
    const world = restarted({ sessions: ['s1'] });
    const session = world.session('s1');
    session.digestNumber = 0;
    session.send({ kind: 'fetch', slot: 0, leaderEpoch: 7, dataInfoId: 'a', requestId: 1 });
    expect(session.inbox).toMatchObject([{ kind: 'moved' }]);

    world.advance(2_500);
    expect(session.last('standIn')).toEqual({ kind: 'standIn', incarnation: 'd0' });
    session.reconcile([session.publishing('a', [1, 1, 1])]);
    const answer = session.fetch();
    expect(ids(answer.publications)).toEqual(['a']);
    expect(answer.complete).toBe(true);
    expect(shown(answer.version)).toBe(`7.${3 * 2 ** 32 + 2}`);
    expect(shown(stored(session.publish('b', [1, 1, 1])).version)).toBe(`7.${3 * 2 ** 32 + 3}`);
  });

  it('tells session servers that come later, too', () => {
    const world = restarted({ sessions: ['s1'] });
    world.advance(2_500);
    expect(world.session('s1').last('standIn')).toEqual({ kind: 'standIn', incarnation: 'd0' });
  });

  it('stays partial while a session server of the table is missing, and ends nothing by absence or time', () => {
    const world = restarted({ sessions: ['s1', 's2'] });
    const session = world.session('s1');
    world.advance(2_500);
    session.reconcile([session.publishing('a', [1, 1, 1])]);
    world.advance(120_000);
    expect(session.fetch()).toMatchObject({ complete: false, publications: [{ registerId: 'a' }] });
  });

  it('leads nothing without a run of its own: meta expelled the incarnation before it', () => {
    const world = restarted({ sessions: ['s1'], run: 0 });
    const session = world.session('s1');
    world.advance(60_000);
    expect(session.take('standIn')).toEqual([]);
    expect(world.core.slots()).toEqual([]);
  });

  it('does not hurry: an election of meta is over by then', () => {
    const world = restarted({ sessions: ['s1'] });
    world.advance(300);
    expect(world.core.isStandIn).toBe(false);
    world.isMetaUp = true;
    world.table = structuredClone(world.table);
    world.table.members[0]!.incarnation = 'd1';
    world.table.slots[0] = { leader: 'd1', leaderEpoch: 8, followers: [], joining: [] };
    world.table.epoch++;
    world.advance(2_500);
    expect(world.core.isStandIn).toBe(false);
    expect(world.core.slots()).toMatchObject([{ leaderEpoch: 8, sequence: 0 }]);
  });

  it('leaves it to meta as soon as that is back', () => {
    const world = restarted({ sessions: ['s1'] });
    const session = world.session('s1');
    world.advance(2_500);
    session.reconcile();
    session.want();
    world.isMetaUp = true;
    world.table = structuredClone(world.table);
    world.table.members[0]!.incarnation = 'd1';
    world.table.slots[0] = { leader: 'd1', leaderEpoch: 8, followers: [], joining: [] };
    world.table.epoch++;
    world.advance(5_000);
    expect(world.core.isStandIn).toBe(false);
    expect(session.last('moved')).toMatchObject({ slot: 0, leaderEpoch: 8 });
    expect(world.core.slots()).toMatchObject([{ leaderEpoch: 8, sequence: 0, complete: false }]);
  });

  it('asks whoever shows a newer table for it, now and then, and goes by that one', () => {
    const world = restarted({ sessions: ['s1'] });
    const session = world.session('s1');
    world.advance(2_500);
    const newer = structuredClone(world.table);
    newer.slots[0] = { leader: 'd0', leaderEpoch: 9, followers: [], joining: [] };
    newer.epoch = 6;
    const digest = { kind: 'digest' as const, slot: 0, leaderEpoch: 9, tableEpoch: 6, entries: [], removals: [] };
    for (let number = 1; number <= 3; number++) session.send({ ...digest, number });
    expect(session.take('tableRequest')).toHaveLength(1);
    world.advance(1_000);
    session.send({ ...digest, number: 4 });
    expect(session.take('tableRequest')).toHaveLength(1);
    session.send({ kind: 'table', table: { ...newer, clusterId: 'another', epoch: 7 } });
    expect(world.core.table?.epoch).toBe(5);
    session.send({ kind: 'table', table: newer });
    expect(world.core.table).toEqual(newer);
    expect(world.saved.at(-1)).toEqual(newer);
    expect(world.core.slots()).toMatchObject([{ slot: 0, leaderEpoch: 9 }]);
    session.send({ kind: 'table', table: { ...newer, epoch: 4 } });
    expect(world.core.table?.epoch).toBe(6);
  });

  it('asks nobody while meta tells', () => {
    const world = new DataWorld({ sessions: ['s1'] });
    const session = world.session('s1');
    const digest = { kind: 'digest' as const, slot: 0, leaderEpoch: 7, entries: [], removals: [] };
    session.send({ ...digest, number: 1, tableEpoch: 99 });
    expect(session.take('tableRequest')).toEqual([]);
  });
});
