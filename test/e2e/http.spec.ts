import { connect } from 'node:net';
import { http } from '../support/http.js';
import { type Tiers, startTiers } from '../support/tiers.js';
import { Watch } from '../support/watch.js';

describe('HTTP, as people and other languages use it', () => {
  let tiers: Tiers;

  beforeAll(async () => {
    tiers = await startTiers();
  });

  afterAll(() => tiers.close());

  const post = (body: unknown) => http('POST', `${tiers.http}/v1/publishers`, body);

  it('watches a name, sees it published and deleted', async () => {
    const watch = await Watch.open(tiers.http, 'dataId=story');
    await watch.until(() => watch.events.length === 1);
    expect(watch.events[0]).toMatchObject({ event: 'snapshot', datum: { publishers: [] } });
    expect(watch.last).not.toHaveProperty('partial');

    const published = await post({ dataId: 'story', registerId: 'me', data: ['http://127.0.0.1:1'], appName: 'app' });
    expect(published.status).toBe(201);
    expect(published.body).toMatchObject({
      dataInfoId: 'story#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP',
      state: 'stored',
    });
    await watch.until(() => watch.data.length === 1);
    expect(watch.last!.publishers[0]).toMatchObject({ appName: 'app', data: ['http://127.0.0.1:1'] });
    expect(watch.last!.publishers[0]!.registerTimestamp).toBeGreaterThan(1.7e12);
    expect(watch.last!.version).toBe(published.body.version);

    const deleted = await http(
      'DELETE',
      `${tiers.http}/v1/publishers/${encodeURIComponent(published.body.registerId)}`,
    );
    expect(deleted.status).toBe(204);
    await watch.until(() => watch.data.length === 0);
    watch.close();
  });

  it('tells a temporary publication once, beside the list, and keeps nothing of it', async () => {
    const watch = await Watch.open(tiers.http, 'dataId=passing');
    await post({ dataId: 'passing', registerId: 'stays', data: ['stays'] });
    await watch.until(() => watch.data.length === 1);
    const { status, body } = await post({ dataId: 'passing', registerId: 'once', data: ['once'], temporary: true });
    expect(status).toBe(201);
    const dataInfoId = 'passing#@#DEFAULT_INSTANCE_ID#@#DEFAULT_GROUP';
    expect(body).toEqual({ registerId: 'once', dataInfoId, state: 'announced' });
    await watch.until(() => watch.last?.temporary !== undefined);
    expect(watch.last).toMatchObject({
      publishers: [{ data: ['stays'] }],
      temporary: [{ registerId: 'once', data: ['once'] }],
    });
    watch.close();
    const { body: datum } = await http('GET', `${tiers.http}/v1/datums?dataId=passing`);
    expect(datum.publishers).toHaveLength(1);
    expect(datum).not.toHaveProperty('temporary');
  });

  it('posts again in place, by its own id and by the canonical one', async () => {
    const first = await post({ dataId: 'again', registerId: 'a/b c', data: ['1'] });
    const second = await post({ dataId: 'again', registerId: 'a/b c', data: ['2'] });
    const third = await post({ dataId: 'again', registerId: first.body.registerId, data: ['3'] });
    expect(new Set([first, second, third].map((answer) => answer.body.registerId)).size).toBe(1);
    const { body } = await http('GET', `${tiers.http}/v1/datums?dataId=again`);
    expect(body.publishers).toHaveLength(1);
    expect(body.publishers[0].data).toEqual(['3']);
  });

  it('answers an empty list for a name that nobody published', async () => {
    const { status, body } = await http('GET', `${tiers.http}/v1/datums?dataId=nobody`);
    expect(status).toBe(200);
    expect(body.publishers).toEqual([]);
  });

  it('renews a lease, and lets it end', async () => {
    const watch = await Watch.open(tiers.http, 'dataId=leased');
    const { body } = await post({ dataId: 'leased', data: ['x'], leaseMs: 1000 });
    expect(body.leaseMs).toBe(1000);
    const lease = `${tiers.http}/v1/publishers/${body.registerId}/lease`;
    const renewed = await http('PUT', lease);
    expect(renewed.status).toBe(200);
    expect(renewed.body.expiresInMs).toBeLessThanOrEqual(1000);
    await watch.until(() => watch.data.length === 1);
    await watch.until(() => watch.data.length === 0);
    watch.close();
    expect(await http('PUT', lease)).toMatchObject({ status: 404, body: { code: 'NOT_REGISTERED' } });
    expect((await http('DELETE', `${tiers.http}/v1/publishers/${body.registerId}`)).status).toBe(204);
  });

  it('filters by zone', async () => {
    await post({ dataId: 'zoned', zone: 'z1', data: ['one'] });
    await post({ dataId: 'zoned', zone: 'z2', data: ['two'] });
    const inZone = await http('GET', `${tiers.http}/v1/datums?dataId=zoned&scope=zone&zone=z1`);
    expect(inZone.body.publishers.map((publisher: { data: string[] }) => publisher.data)).toEqual([['one']]);
    const everywhere = await http('GET', `${tiers.http}/v1/datums?dataId=zoned&scope=global`);
    expect(everywhere.body.publishers).toHaveLength(2);
  });

  it('does not resend to a reader that returns what it already knows', async () => {
    await post({ dataId: 'resume', registerId: 'r', data: ['1'] });
    const first = await Watch.open(tiers.http, 'dataId=resume');
    await first.until(() => first.data.length === 1);
    const id = first.events.at(-1)!.id!;
    first.close();
    const second = await Watch.open(tiers.http, 'dataId=resume', id);
    await second.until(() => second.comments.includes('unchanged'));
    await post({ dataId: 'resume', registerId: 'r', data: ['2'] });
    await second.until(() => second.events.length > 0);
    expect(second.events.map(({ datum }) => datum.publishers[0]!.data)).toEqual([['2']]);
    second.close();
  });

  it('sends only what has changed to a reader that asks for it, and to one that comes back', async () => {
    const lines = (count: number) => ({ data: Array.from({ length: count }, (_, i) => `tcp://10.0.0.${i}:80`) });
    for (const registerId of ['a', 'b', 'c']) await post({ dataId: 'deltas', registerId, ...lines(30) });
    const whole = await Watch.open(tiers.http, 'dataId=deltas');
    const watch = await Watch.open(tiers.http, 'dataId=deltas&deltas=true');
    await watch.until(() => watch.events.length === 1);
    expect(watch.events[0]).toMatchObject({ event: 'snapshot', datum: { publishers: { length: 3 } } });

    await post({ dataId: 'deltas', registerId: 'b', ...lines(1) });
    await watch.until(() => watch.events.length === 2);
    const { id, event, datum } = watch.events[1]!;
    expect(event).toBe('delta');
    expect(datum).toMatchObject({ from: watch.events[0]!.datum.version, publishers: [lines(1)], removed: [] });
    expect(id).toBe(`${datum.clusterId}:${datum.version}:${datum.hash}`);
    await whole.until(() => whole.last?.publishers.some(({ data }) => data.length === 1) ?? false);
    expect(whole.events.every((each) => each.event === 'snapshot')).toBe(true);
    expect(whole.last).not.toHaveProperty('hashes');
    expect(whole.last!.hash).toBe(datum.hash);

    watch.close();
    const removed = datum.publishers[0]!.registerId;
    await http('DELETE', `${tiers.http}/v1/publishers/${encodeURIComponent(removed)}`);
    await whole.until(() => whole.last?.publishers.length === 2);
    const again = await Watch.open(tiers.http, 'dataId=deltas&deltas=true', id);
    await again.until(() => again.events.length === 1);
    expect(again.events[0]).toMatchObject({
      event: 'delta',
      datum: { from: datum.version, publishers: [], removed: [removed], hash: whole.last!.hash },
    });
    for (const each of [whole, again]) each.close();
    const metrics = await (await fetch(`${tiers.http}/metrics`)).text();
    expect(Number(/^rollcall_pushes_total\{type="delta"\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(2);
    expect(metrics).toMatch(/^rollcall_pushes_refused_total 0$/m);
    await expect(Watch.open(tiers.http, 'dataId=deltas&deltas=some')).rejects.toThrow(/400.*BAD_REQUEST/);
  });

  describe('bad input', () => {
    it.each([
      ['no dataId', { data: [] }, 400, 'INVALID_NAME'],
      ['a control character', { dataId: 'a\u0007', data: [] }, 400, 'INVALID_NAME'],
      ['the separator', { dataId: 'a#@#b', data: [] }, 400, 'INVALID_NAME'],
      ['a name over 512 bytes', { dataId: 'é'.repeat(257), data: [] }, 400, 'INVALID_NAME'],
      ['data over 64 KiB', { dataId: 'a', data: ['x'.repeat(65_537)] }, 413, 'DATA_TOO_LARGE'],
      ['10,001 strings', { dataId: 'a', data: Array.from({ length: 10_001 }, () => '') }, 413, 'DATA_TOO_LARGE'],
      ['data that is no list', { dataId: 'a', data: 'x' }, 400, 'BAD_REQUEST'],
      ['an absurd lease', { dataId: 'a', data: [], leaseMs: -1 }, 400, 'BAD_REQUEST'],
      ['a body that is not JSON', '{"dataId":', 400, 'BAD_REQUEST'],
      ['a body that is no object', '[]', 400, 'BAD_REQUEST'],
      [
        'a body over the limit',
        JSON.stringify({ dataId: 'a', data: ['x'.repeat(1024 * 1024)] }),
        413,
        'BODY_TOO_LARGE',
      ],
    ])('refuses %s', async (_, body, status, code) => {
      const answer = await post(body);
      expect(answer).toMatchObject({ status, body: { code } });
      expect(typeof answer.body.message).toBe('string');
    });

    it('answers in the same shape what no HTTP parser can read', async () => {
      expect(await http('GET', `${tiers.http}/v1/datums/%zz`)).toMatchObject({
        status: 400,
        body: { code: 'BAD_REQUEST', message: expect.any(String) },
      });
      const { hostname, port } = new URL(tiers.http);
      const socket = connect(Number(port), hostname);
      socket.end('garbage\r\n\r\n');
      const answer = (await socket.setEncoding('utf8').toArray()).join('');
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({ code: 'BAD_REQUEST' });
    });

    it('refuses an unknown scope, an unknown route, and a body of another kind', async () => {
      expect(await http('GET', `${tiers.http}/v1/datums?dataId=a&scope=world`)).toMatchObject({
        status: 400,
        body: { code: 'INVALID_SCOPE' },
      });
      expect(await http('GET', `${tiers.http}/v1/nothing`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
      const text = await http('POST', `${tiers.http}/v1/publishers`, 'dataId=a', { 'content-type': 'text/html' });
      expect(text).toMatchObject({ status: 415, body: { code: 'BAD_REQUEST' } });
      expect(await http('PUT', `${tiers.http}/v1/publishers/none/lease`)).toMatchObject({
        status: 404,
        body: { code: 'NOT_REGISTERED' },
      });
      await expect(Watch.open(tiers.http, 'dataId=')).rejects.toThrow(/400.*INVALID_NAME/);
    });
  });
});
