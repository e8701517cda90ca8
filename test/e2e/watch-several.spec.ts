import { http } from '../support/http.js';
import { type Tiers, startTiers } from '../support/tiers.js';
import { Watch } from '../support/watch.js';

describe('several names over one stream of events', () => {
  let tiers: Tiers;

  beforeAll(async () => {
    tiers = await startTiers();
  });

  afterAll(() => tiers.close());

  const post = async (dataId: string, registerId: string, data: string[], fields: object = {}) => {
    const { status, body } = await http('POST', `${tiers.http}/v1/publishers`, { dataId, registerId, data, ...fields });
    expect(status).toBe(201);
    return body;
  };
  const remove = ({ registerId }: { registerId: string }) =>
    http('DELETE', `${tiers.http}/v1/publishers/${encodeURIComponent(registerId)}`);
  /** The data strings that the events have told of a name last. */
  const dataOf = (watch: Watch, dataId: string): string[] | undefined =>
    watch.events
      .findLast(({ datum }) => datum.dataInfoId.startsWith(`${dataId}#@#`))
      ?.datum.publishers.flatMap(({ data }) => data);

  it('are each told as a snapshot first, and then when they change, in the scope that was asked for', async () => {
    await post('red', 'r', ['1'], { zone: 'east' });
    const watch = await Watch.open(tiers.http, 'dataId=red&dataId=green&dataId=blue&scope=zone&zone=east');
    await watch.until(() => watch.events.length === 3);
    expect(['red', 'green', 'blue'].map((dataId) => dataOf(watch, dataId))).toEqual([['1'], [], []]);
    await post('blue', 'b', ['elsewhere'], { zone: 'west' });
    await post('green', 'g', ['2'], { zone: 'east' });
    await watch.until(() => watch.events.length > 3);
    expect(watch.events).toHaveLength(4);
    expect(watch.last!.dataInfoId).toContain('green');
    expect(dataOf(watch, 'green')).toEqual(['2']);
    watch.close();
  });

  it('are told to a reader that comes back only where they have changed meanwhile', async () => {
    const lines = Array.from({ length: 30 }, (_, i) => `tcp://10.0.0.${i}:80`);
    for (const dataId of ['one', 'two', 'three'])
      for (const registerId of ['a', 'b']) await post(dataId, `${dataId}-${registerId}`, lines);
    // What a datum was before is remembered for as long as somebody watches it.
    const others = await Watch.open(tiers.http, 'dataId=two');
    const query = 'dataId=one&dataId=two&deltas=true';
    const first = await Watch.open(tiers.http, query);
    await first.until(() => first.events.length === 2);
    const { id } = first.events.at(-1)!;
    first.close();

    const gone = await post('two', 'two-a', ['changed']);
    await remove(gone);
    await others.until(() => others.last?.publishers.length === 1);
    // Asked for in another order, and with another beside them.
    const again = await Watch.open(tiers.http, `dataId=three&dataId=two&dataId=one&deltas=true`, id);
    await again.until(() => again.events.length === 2 && again.comments.length > 0);
    const told = new Map(again.events.map(({ event, datum }) => [datum.dataInfoId.split('#')[0], { event, datum }]));
    expect(told.get('three')).toMatchObject({ event: 'snapshot', datum: { publishers: { length: 2 } } });
    expect(told.get('two')).toMatchObject({ event: 'delta', datum: { publishers: [], removed: [gone.registerId] } });
    expect(again.comments).toEqual(['unchanged one#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP']);

    // What was not told is part of the next id all the same.
    const latest = again.events.at(-1)!.id!;
    again.close();
    const third = await Watch.open(tiers.http, 'dataId=one&dataId=two&dataId=three', latest);
    await third.until(() => third.comments.length === 3);
    expect(third.comments.every((comment) => comment.startsWith('unchanged '))).toBe(true);
    expect(third.events).toEqual([]);
    for (const watch of [third, others]) watch.close();
  });

  it('are refused together, as an ordinary answer', async () => {
    await expect(Watch.open(tiers.http, 'dataId=a&dataId=')).rejects.toThrow(/400.*INVALID_NAME/);
    const many = Array.from({ length: 101 }, (_, i) => `dataId=n${i}`).join('&');
    await expect(Watch.open(tiers.http, many)).rejects.toThrow(/400.*BAD_REQUEST/);
  });

  it('have leases that are renewed together', async () => {
    const [a, b] = [await post('leased', 'a', ['a'], { leaseMs: 60_000 }), await post('leased', 'b', ['b'])];
    const registerIds = [a.registerId, 'never given out', b.registerId, b.registerId.replace(/b$/, 'c')];
    const { status, body } = await http('PUT', `${tiers.http}/v1/leases`, { registerIds });
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      { status: 'renewed', registerId: registerIds[0], expiresInMs: 60_000 },
      { status: 'failed', registerId: registerIds[1], failure: { code: 'NOT_REGISTERED' } },
      { status: 'renewed', registerId: registerIds[2], expiresInMs: 15_000 },
      { status: 'failed', registerId: registerIds[3], failure: { code: 'NOT_REGISTERED' } },
    ]);
    expect(await http('PUT', `${tiers.http}/v1/leases`, { registerIds: 'all' })).toMatchObject({
      status: 400,
      body: { code: 'BAD_REQUEST', details: { field: 'registerIds' } },
    });
  });
});
