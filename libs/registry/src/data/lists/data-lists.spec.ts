import { leasedRegisterId } from '#model';
import { formatCursor } from '../../listing/place.js';
import type { Page, PageWork } from '../../listing/page.js';
import { type FilterName, type ListQuery, readListQuery } from '../../listing/query.js';
import { DATUM, DataWorld, type TestSession, leased } from '../data-world.harness.js';

const FILTERS: FilterName[] = ['prefix', 'dataId', 'group', 'instanceId', 'registerId', 'cause', 'appName', 'zone'];
const WALL_MS = 1_700_000_000_000;
const nameOf = (dataId: string): string => `${dataId}#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP`;

function made<Item>(work: PageWork<Item>): Page<Item> {
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value;
}

const asking = (query: Record<string, string> = {}): ListQuery => readListQuery('list', query, FILTERS);

/** All items, by as many pages as it takes. */
function all<Item>(page: (query: ListQuery) => PageWork<Item>, query: Record<string, string>): Item[] {
  const items: Item[] = [];
  for (let after: string | undefined; ;) {
    const { items: more, next } = made(page(asking({ ...query, ...(after ? { after } : {}) })));
    items.push(...more);
    if (!next) return items;
    after = formatCursor('list', next);
  }
}

describe('the lists of a data server', () => {
  let world: DataWorld;
  let s1: TestSession;

  beforeEach(() => {
    world = new DataWorld({ sessions: ['s1', 's2'] });
    s1 = world.session('s1');
    world.session('s2').reconcile();
    s1.reconcile();
  });

  it('have the names under which something is published, or that somebody subscribes to', () => {
    s1.publish('a', [100, 1, 9]);
    s1.publish('b', [100, 1, 8]);
    s1.publish('c', [100, 1, 7], { dataInfoId: nameOf('note') });
    s1.publish('d', [100, 1, 6], { dataInfoId: nameOf('gone') });
    s1.unpublish('d', [100, 2, 6], nameOf('gone'));
    s1.want(nameOf('awaited'));
    const datums = (query: Record<string, string> = {}) => all((asked) => world.core.lists.datums(asked), query);
    expect(datums()).toEqual([
      expect.objectContaining({ dataId: 'awaited', publications: 0, interested: 1 }),
      expect.objectContaining({
        dataId: 'note',
        group: 'DEFAULT_GROUP',
        slot: 0,
        complete: true,
        publications: 1,
        interested: 0,
      }),
      expect.objectContaining({ dataId: 'orders', publications: 2 }),
    ]);
    expect(datums({ limit: '1' })).toEqual(datums());
    expect(datums({ prefix: 'or' })).toMatchObject([{ dataId: 'orders', version: '7.3' }]);
    expect(datums({ dataId: 'note', group: 'other' })).toEqual([]);
    world.assign('d2', 8);
    expect(datums()).toEqual([]);
  });

  it('have the publications of a datum in pages, and say which are switched off', () => {
    for (const id of ['b', 'a', 'c']) s1.publish(id, [100, 1, 9]);
    const contents = (query: Record<string, string> = {}) => world.core.lists.contents(DATUM, asking(query))!;
    expect(contents().datum).toEqual({
      ...{ dataInfoId: DATUM, slot: 0, version: { leaderEpoch: 7, sequence: 4 }, complete: true, count: 3 },
    });
    const first = made(contents({ limit: '2' }).page);
    expect(first.items.map(({ registerId }) => registerId)).toEqual(['a', 'b']);
    world.switch({ publicationsOff: [{ dataInfoId: DATUM, registerId: 'c' }] });
    const second = made(contents({ limit: '2', after: formatCursor('list', first.next!) }).page);
    expect(second).toMatchObject({
      items: [{ registerId: 'c', isHidden: true, appName: 'shop', body: new Uint8Array([1, 2, 3]) }],
    });
    expect(second.next).toBeUndefined();
    expect(world.core.lists.contents(nameOf('nobody'), asking())!.datum.count).toBe(0);
    world.assign('d2', 8);
    expect(world.core.lists.contents(DATUM, asking())).toBeUndefined();
  });

  describe('of what has disappeared lately', () => {
    const removals = (query: Record<string, string> = {}) => {
      const clocks = { nowMs: world.nowMs, wallMs: WALL_MS, zeroMs: WALL_MS - 5_000 };
      return all((asked) => world.core.lists.removals(asked, clocks), query);
    };

    it('say who, when and why, the newest first', () => {
      s1.publish('a', [100, 1, 9], { owner: { kind: 'connected', session: 's1', connection: 4 } });
      const lease = leasedRegisterId(DATUM, 'mine');
      s1.publish(lease, null, leased(60_000));
      s1.unpublish('a', [100, 2, 9]);
      world.advance(10_000);
      s1.unpublish(lease, null);
      world.advance(500);
      expect(removals()).toMatchObject([
        { registerId: lease, kind: 'leased', leaseMs: 60_000, session: null, connection: null, agoMs: 500 },
        {
          ...{ dataId: 'orders', group: 'DEFAULT_GROUP', slot: 0, registerId: 'a', agoMs: 10_500, cause: 'unpublish' },
          ...{ at: new Date(WALL_MS - 10_500).toISOString(), by: { incarnation: 's1', address: 's1:1' } },
          ...{ kind: 'connected', session: { address: 's1:1' }, connection: 4, appName: 'shop', zone: 'z1' },
          ...{ why: 'It was unpublished: its client, or somebody over HTTP, asked for that.', stamp: [100, 2, 9] },
        },
      ]);
      expect(removals({ limit: '1' })).toEqual(removals());
      expect(removals({ registerId: 'a' })).toHaveLength(1);
      expect(removals({ cause: 'lease-ended' })).toEqual([]);
      expect(removals({ prefix: 'x' })).toEqual([]);
      expect(removals({ appName: 'shop', dataId: 'orders' })).toHaveLength(2);
    });

    it('name the session server that is gone by the address that it had', () => {
      s1.publish('a', [100, 1, 9], { owner: { kind: 'connected', session: 's1', connection: 4 } });
      s1.die();
      world.expire('s1');
      world.advance(15_000);
      expect(removals()).toMatchObject([
        { registerId: 'a', cause: 'grace-expired', by: 'leader', session: { incarnation: 's1', address: 's1:1' } },
      ]);
      expect(removals()[0]!.why).toMatch('The session server of its client is gone');
    });

    it('tell that an operator did it', () => {
      s1.publish('a', [100, 1, 9]);
      world.switch({ blacklist: ['orders'] });
      expect(removals()).toMatchObject([{ registerId: 'a', cause: 'operator', by: 'operator' }]);
    });
  });
});
