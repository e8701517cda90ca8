import { DEFAULT_SWITCHES, leasedRegisterId } from '#model';
import { type FilterName, type ListQuery, readListQuery } from '../../listing/query.js';
import { formatCursor } from '../../listing/place.js';
import { DATUM, SessionHarness, WALL_MS, datumId, publicationOf, publishOf, tableOf } from '../core.harness.js';
import { HTTP_CALLERS } from '../connections.js';

const FILTERS: FilterName[] = ['prefix', 'dataId', 'group', 'instanceId', 'appName', 'address', 'zone', 'connection'];

describe('the lists of a session server', () => {
  let session: SessionHarness;

  beforeEach(() => {
    session = SessionHarness.ready();
    session.connect(1, 2);
    hello(1, 'shop', 'z1');
    hello(2, 'cart', 'z2');
  });

  const hello = (connection: number, appName: string, zone: string): void =>
    void session.request(connection, { kind: 'hello', appName, zone });

  /** All items of a list that has one page. */
  function list<Name extends 'connections' | 'subscribers' | 'publishers'>(
    name: Name,
    query: Record<string, string> = {},
  ): Record<string, unknown>[] {
    const { items, next } = page(name, readListQuery(name, query, FILTERS));
    expect(next).toBeUndefined();
    return items;
  }

  function page(name: 'connections' | 'subscribers' | 'publishers', query: ListQuery) {
    const work = session.core.lists[name](query, { nowMs: session.nowMs, wallMs: session.wallMs });
    let step = work.next();
    while (!step.done) step = work.next();
    return step.value as { items: unknown[] } as { items: Record<string, unknown>[]; next?: [number] };
  }

  describe('of connections', () => {
    it('tells who is there, since when, and what it has', () => {
      session.pass(2_000);
      session.connect(3);
      session.publish(1, 'a');
      session.subscribe(2);
      session.pass(1_000);
      expect(list('connections')).toMatchObject([
        { connection: 1, address: 'c1', appName: 'shop', zone: 'z1', state: 'served', publishers: 1, subscribers: 0 },
        {
          connection: 2,
          address: 'c2',
          appName: 'cart',
          state: 'served',
          publishers: 0,
          subscribers: 1,
          silentMs: 1_000,
        },
        {
          connection: 3,
          address: 'c3',
          appName: '',
          state: 'idle',
          connectedAt: new Date(WALL_MS - 1_000).toISOString(),
        },
      ]);
      expect(list('connections', { appName: 'cart' })).toMatchObject([{ connection: 2 }]);
      expect(list('connections', { address: 'c3' })).toMatchObject([{ connection: 3 }]);
      expect(list('connections', { zone: 'z1', address: 'c2' })).toEqual([]);
    });

    it('tells what waits for whom, and who is gone but for its publications', () => {
      session.subscribe(1, { acks: true });
      session.subscribe(2);
      session.publish(2, 'a');
      session.datum(1, []);
      session.change(1, 2, [publicationOf('x')]);
      expect(list('connections')).toMatchObject([
        { connection: 1, unacknowledged: 1, waiting: 1, isBackedUp: false },
        { connection: 2, unacknowledged: 0, waiting: 0 },
      ]);
      session.do({ type: 'clientBackedUp', connection: 2, isBackedUp: true });
      session.change(2, 3, [publicationOf('x', 2)]);
      expect(list('connections', { address: 'c2' })).toMatchObject([{ isBackedUp: true, waiting: 1 }]);
      session.disconnect(1);
      session.disconnect(2);
      expect(list('connections')).toMatchObject([{ connection: 2, state: 'grace', publishers: 1 }]);
      session.pass(10_000);
      expect(list('connections')).toEqual([]);
    });

    it('are remembered when they have gone, since their publications are looked for then', () => {
      session.publish(1, 'a');
      session.applied();
      session.disconnect(1);
      session.pass(10_000);
      expect(list('connections')).toMatchObject([{ connection: 2 }]);
      expect(session.core.lists.clients([1, 2, 3])).toEqual([
        { connection: 1, address: 'c1', appName: 'shop' },
        { connection: 2, address: 'c2', appName: 'cart' },
      ]);
    });

    it('leaves out the one that requests over HTTP share', () => {
      session.do({ type: 'clientConnected', connection: 9, address: HTTP_CALLERS });
      expect(list('connections')).toHaveLength(2);
    });
  });

  describe('of subscribers', () => {
    it('tells what each was last told, and what keeps the rest', () => {
      session.subscribe(1, { acks: true, scope: 'zone', zone: 'z1' });
      session.subscribe(2, {}, 'all');
      expect(list('subscribers')).toMatchObject([
        { connection: 1, told: 'nothing', version: null, waitsFor: 'complete-answer' },
        { connection: 2, told: 'nothing' },
      ]);
      session.datum(1, [publicationOf('x', 1, { zone: 'z1' })]);
      session.change(1, 2, [publicationOf('x', 2, { zone: 'z1' })]);
      session.pass(250);
      expect(list('subscribers')).toMatchObject([
        {
          ...{ dataId: 'd', group: 'g', instanceId: 'i', slot: 0, connection: 1, subscriptionId: 's', address: 'c1' },
          ...{ appName: 'shop', zone: 'z1', scope: 'zone', version: '1.1', told: 'whole', waitsFor: 'earlier-push' },
        },
        {
          connection: 2,
          subscriptionId: 'all',
          scope: 'dataCenter',
          version: '1.2',
          waitsFor: null,
          unacknowledgedMs: null,
        },
      ]);
      expect(list('subscribers')[0]!['unacknowledgedMs']).toBeGreaterThan(200);
    });

    it('finds them by name, application, address and connection', () => {
      session.subscribe(1);
      session.subscribe(1, { dataInfoId: datumId('e') }, 'e');
      session.subscribe(2, { dataInfoId: datumId('e') }, 'e');
      const found = (query: Record<string, string>) =>
        list('subscribers', query).map(({ dataId, connection }) => `${String(dataId)}${String(connection)}`);
      expect(found({})).toEqual(['d1', 'e1', 'e2']);
      expect(found({ prefix: 'e' })).toEqual(['e1', 'e2']);
      expect(found({ dataId: 'd', group: 'g', instanceId: 'i' })).toEqual(['d1']);
      expect(found({ dataId: 'x', group: 'g', instanceId: 'i' })).toEqual([]);
      expect(found({ appName: 'cart' })).toEqual(['e2']);
      expect(found({ address: 'c1', dataId: 'e' })).toEqual(['e1']);
      expect(found({ connection: '2' })).toEqual(['e2']);
      session.disconnect(1);
      expect(found({})).toEqual(['e2']);
    });
  });

  describe('of publishers', () => {
    const DATUM_E = datumId('e');

    it('tells what keeps each, and whether the leader of its slot has it', () => {
      session.publish(1, 'a');
      session.applied();
      session.publish(2, 'b');
      expect(list('publishers')).toMatchObject([
        {
          ...{ dataId: 'd', group: 'g', instanceId: 'i', slot: 0, registerId: 'a', kind: 'connected', connection: 1 },
          ...{ address: 'c1', leaseMs: null, appName: 'shop', zone: 'z', state: 'stored' },
          registeredAt: new Date(WALL_MS).toISOString(),
        },
        { registerId: 'b', connection: 2, state: 'under-way' },
      ]);
      session.dataDown();
      expect(list('publishers')).toMatchObject([{ state: 'under-way' }, { state: 'under-way' }]);
      session.dataUp('d1');
      session.reconcile();
      expect(list('publishers')).toMatchObject([{ state: 'stored' }, { state: 'stored' }]);
      session.unpublish(1, 'a');
      expect(list('publishers')).toMatchObject([{ registerId: 'b' }]);
    });

    it('tells of leases, which have no connection, and of what an operator has switched off', () => {
      const registerId = leasedRegisterId(DATUM, 'mine');
      session.request(0, {
        kind: 'leasedPublish',
        replay: false,
        publication: {
          ...{
            registerId,
            dataInfoId: DATUM,
            zone: 'z',
            appName: 'cron',
            registerTimestamp: 0,
            body: Uint8Array.of(1),
          },
          owner: { kind: 'leased', leaseMs: 60_000 },
        },
      });
      session.applied();
      session.publish(1, 'a');
      session.applied();
      session.fromMeta({ kind: 'switches', version: 1, switches: { ...DEFAULT_SWITCHES, clientsOff: ['c1'] } });
      expect(list('publishers')).toMatchObject([
        {
          registerId,
          kind: 'leased',
          connection: null,
          address: null,
          leaseMs: 60_000,
          appName: 'cron',
          state: 'stored',
        },
        { registerId: 'a', state: 'withdrawn' },
      ]);
      expect(list('publishers', { appName: 'cron' })).toHaveLength(1);
      expect(list('publishers', { address: 'c1' })).toMatchObject([{ registerId: 'a' }]);
    });

    it('finds them by name, and goes on where a page has ended', () => {
      for (let i = 0; i < 25; i++) session.publish(1, `r${i % 10}${i}`, 1, i % 2 ? DATUM : DATUM_E);
      const ids: string[] = [];
      for (let after: string | undefined; ;) {
        const query = readListQuery('publishers', { limit: '4', ...(after ? { after } : {}) }, FILTERS);
        const { items, next } = page('publishers', query);
        ids.push(...items.map((item) => `${String(item['dataId'])}/${String(item['registerId'])}`));
        if (!next) break;
        after = formatCursor('publishers', next);
      }
      expect(ids).toEqual(ids.toSorted());
      expect(new Set(ids).size).toBe(25);
      expect(list('publishers', { dataId: 'e' })).toHaveLength(13);
      expect(list('publishers', { prefix: 'x' })).toEqual([]);
      session.disconnect(1);
      expect(list('publishers', { address: 'c1' })).toHaveLength(25);
    });

    it('takes a registration for stored once the next leader has said so, and not before', () => {
      session.request(1, { kind: 'apply', operations: [publishOf('a')] });
      session.table(tableOf(2, 'd2', 2));
      expect(list('publishers')).toMatchObject([{ state: 'under-way' }]);
      session.dataUp('d2');
      session.want(['a']);
      expect(list('publishers')).toMatchObject([{ state: 'under-way' }]);
      session.reconciled();
      expect(list('publishers')).toMatchObject([{ state: 'stored' }]);
    });
  });
});
