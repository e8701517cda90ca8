import { DATUM, DataWorld, ids } from './data-world.harness.js';

/** Of two session servers, the first of which publishes and has been told what there is. */
function published() {
  const world = new DataWorld({ sessions: ['s1', 's2'] });
  const s1 = world.session('s1');
  s1.publish('a', [100, 1, 9], { registerTimestamp: 100 });
  return { s1, s2: world.session('s2'), told: s1.want() };
}

describe('A session server that says what it holds', () => {
  it('is told so where the leader holds the same, at first and once complete', () => {
    const { s1, s2, told } = published();
    s2.compare(...told.publications);
    const { publications: _, ...version } = told;
    expect(s2.last('same')).toMatchObject({ ...version, kind: 'same', complete: false });
    s1.reconcile([s1.publishing('a', [100, 1, 9])]);
    s2.reconcile();
    expect(s2.inbox.filter(({ kind }) => kind === 'datum')).toEqual([]);
    const complete = s1.last('datum');
    expect(ids(complete.publications)).toEqual(['a']);
    expect(s2.last('same')).toMatchObject({ version: complete.version, complete: true });
  });

  it('gets all of it where something differs, were it only when it was registered', () => {
    const { s2, told } = published();
    s2.compare(...told.publications.map((each) => ({ ...each, registerTimestamp: 99 })));
    expect(s2.last('datum')).toEqual(told);
    s2.compare();
    expect(s2.last('datum')).toEqual(told);
    expect(s2.take('same')).toEqual([]);
  });

  it('gets the removals known so far with it, while they may be news', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const [s1, s2] = [world.session('s1'), world.session('s2')];
    s1.unpublish('b', [100, 2, 9]);
    s2.compare();
    const same = s2.last('same');
    expect(s2.last('change')).toMatchObject({ from: same.version, to: same.version, removals: [{ registerId: 'b' }] });
  });

  it('is told the hash after every change of what is held', () => {
    const { s1, s2 } = published();
    s1.publish('b', [100, 1, 8]);
    s1.publish('a', [100, 2, 9], { body: Uint8Array.of(7) });
    s1.unpublish('b', [100, 2, 8]);
    const { publications } = s1.fetch(DATUM);
    s2.compare(...publications);
    expect(s2.take('same')).toHaveLength(1);
  });
});
