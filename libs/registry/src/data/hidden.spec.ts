import type { PublicationName } from '#model';
import { DATUM, DataWorld, type TestSession, ids, leased, shown } from './data-world.harness.js';

const off = (...registerIds: string[]): { publicationsOff: PublicationName[] } => ({
  publicationsOff: registerIds.map((registerId) => ({ dataInfoId: DATUM, registerId })),
});
const BLACKLISTED = { blacklist: ['orders'] };

describe('what operators switch off by its name', () => {
  let world: DataWorld;
  let s1: TestSession;
  let s2: TestSession;

  beforeEach(() => {
    world = new DataWorld({ sessions: ['s1', 's2'] });
    [s1, s2] = [world.session('s1'), world.session('s2')];
    s1.publish('a', [100, 1, 9]);
    s1.publish('b', [100, 1, 8], leased(60_000));
    s1.reconcile([s1.publishing('a', [100, 1, 9])]);
    s2.reconcile();
    s2.want();
    s2.take('change');
  });

  it('leaves every list by a change of its own, with an operator as its cause, and comes back as it was', () => {
    const { version } = s2.fetch();
    world.switch(off('a'));
    const gone = s2.last('change');
    expect(gone).toMatchObject({ from: version, complete: true, upserts: [] });
    expect(gone.removals).toEqual([{ registerId: 'a', stamp: [100, 1, 9], cause: 'operator' }]);
    expect(s2.fetch()).toMatchObject({ version: gone.to, publications: [{ registerId: 'b' }] });
    expect(world.core.removals(0).at(-1)).toMatchObject({ registerId: 'a', cause: 'operator' });
    world.switch({});
    const back = s2.last('change');
    expect(back).toMatchObject({ from: gone.to, removals: [], upserts: [{ registerId: 'a', stamp: [100, 1, 9] }] });
    expect(ids(s2.fetch().publications)).toEqual(['a', 'b']);
    expect(shown(back.to)).not.toBe(shown(gone.to));
  });

  it('goes on being published, renewed and removed, and nobody is told but of its end', () => {
    world.switch(off('a', 'b'));
    s2.take('change');
    expect(s1.publish('a', [100, 2, 9], { body: Uint8Array.of(7) })).toMatchObject({ status: 'stored' });
    expect(s1.renew('b')).toMatchObject({ status: 'renewed' });
    expect(s2.take('change')).toEqual([]);
    world.switch(off('b'));
    expect(s2.last('change').upserts).toMatchObject([{ registerId: 'a', stamp: [100, 2, 9], body: Uint8Array.of(7) }]);
    s1.unpublish('b', null);
    world.switch({});
    expect(ids(s2.fetch().publications)).toEqual(['a']);
  });

  it('is every publication of a blacklisted name, in every group or in one, and of no other', () => {
    const other = 'orders#@#DEFAULT_INSTANCE_ID#@#another';
    const longer = 'orders2#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP';
    for (const dataInfoId of [other, longer]) s1.publish('c', [100, 1, 7], { dataInfoId });
    const listed = (): string[] => [DATUM, other, longer].map((name) => ids(s2.fetch(name).publications).join());
    expect(listed()).toEqual(['a,b', 'c', 'c']);
    world.switch(BLACKLISTED);
    expect(s2.last('change').removals.map(({ registerId }) => registerId)).toEqual(['a', 'b']);
    expect(listed()).toEqual(['', '', 'c']);
    world.switch({ blacklist: [other] });
    expect(listed()).toEqual(['a,b', '', 'c']);
    world.switch({});
    expect(listed()).toEqual(['a,b', 'c', 'c']);
  });

  it('is told to nobody who asks, also by hash, and counts in every comparison with who holds it', () => {
    const [a, b] = s2.fetch().publications.toSorted((x, y) => (x.registerId < y.registerId ? -1 : 1));
    world.switch(off('a'));
    s2.compare(b!);
    expect(s2.take('same')).toHaveLength(1);
    s2.compare(a!, b!);
    expect(ids(s2.last('datum').publications)).toEqual(['b']);
    expect(s1.digest([s1.publishing('a', [100, 1, 9])]).registerIds).toEqual([]);
  });

  it('is known to whoever leads the slot next from the beginning', () => {
    world.switch(off('a'));
    world.assign('d2', 8);
    world.assign('d1', 9);
    s1.leaderEpoch = s2.leaderEpoch = 9;
    s1.reconcile([s1.publishing('a', [100, 1, 9])]);
    s2.reconcile();
    expect(s2.want()).toMatchObject({ complete: true, publications: [] });
    world.switch({});
    expect(s2.last('change').upserts).toMatchObject([{ registerId: 'a' }]);
  });

  it('changes nothing where it is switched to what it is', () => {
    world.switch(off('a'));
    s2.take('change');
    world.switch({ ...off('a'), readOnly: true });
    world.switch({ ...off('a', 'nobody'), blacklist: ['nothing'] });
    expect(s2.take('change')).toEqual([]);
  });
});
