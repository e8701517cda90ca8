import * as fc from 'fast-check';
import { LIMITS, PROTOCOL_VERSION, isCode, leasedRegisterId, toDataInfoId } from '#model';
import { type EdgeContext, parseClientMessage, parseLeasedId, parseLeasedPublish } from './edge.js';

const PATTERNS = 'hello apply publish unpublish query subscribe unsubscribe ack heartbeat goodbye'
  .split(' ')
  .map((kind) => `registry.${kind}`);

/** Bodies are readable in the tests. */
const context: EdgeContext = {
  encodeBody: (content) => new TextEncoder().encode(JSON.stringify(content)),
  makeRegisterId: () => 'made-up',
};

function contentOf(body: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(body));
}

function parsed(kind: string, payload: unknown): unknown {
  const outcome = parseClientMessage(`registry.${kind}`, payload, context);
  return outcome.ok ? outcome.request : outcome.failure.code;
}

function published(payload: object): object {
  const request = parsed('publish', payload) as { operations: object[] };
  return request.operations[0]!;
}

describe('the edge', () => {
  const dataInfoId = toDataInfoId({ dataId: 'd', group: 'DEFAULT_GROUP', instanceId: 'DEFAULT_INSTANCE_ID' });

  it('fills in what a client leaves out', () => {
    expect(published({ dataId: 'd', data: ['x'] })).toEqual({
      op: 'publish',
      registerId: 'made-up',
      dataInfoId,
      zone: 'DEFAULT_ZONE',
      appName: '',
      registerTimestamp: 0,
      stamp: null,
      body: expect.any(Uint8Array),
      replay: false,
    });
    expect(published({ dataId: 'd', data: ['x'], replay: true })).toMatchObject({ replay: true });
    expect(parsed('query', { dataId: 'd', group: null, zone: undefined })).toEqual({
      kind: 'query',
      dataInfoId,
      scope: 'dataCenter',
      zone: 'DEFAULT_ZONE',
    });
    const zoned = parseClientMessage('registry.query', { dataId: 'd' }, { ...context, zone: 'east' });
    expect(zoned).toMatchObject({ request: { zone: 'east' } });
  });

  it('takes what a client says', () => {
    const names = { dataId: 'd', group: 'g', instanceId: 'i' };
    const operation = { ...names, registerId: 'r', zone: 'z', appName: 'app', data: [], stamp: [5, 2, 3] };
    expect(published(operation)).toMatchObject({
      ...{ registerId: 'r', dataInfoId: toDataInfoId(names), zone: 'z', appName: 'app' },
      ...{ registerTimestamp: 5, stamp: [5, 2, 3] },
    });
    expect(published({ ...operation, registerTimestamp: 9 })).toMatchObject({ registerTimestamp: 9 });
    expect(
      parsed('subscribe', {
        ...{ ...names, scope: 'zone', zone: 'z', subscriptionId: 's' },
        base: { clusterId: 'c', version: '7.42' },
      }),
    ).toEqual({
      ...{ kind: 'subscribe', subscriptionId: 's', dataInfoId: toDataInfoId(names), scope: 'zone', zone: 'z' },
      base: { clusterId: 'c', version: { leaderEpoch: 7, sequence: 42 } },
    });
    expect(parsed('hello', { protocol: PROTOCOL_VERSION, appName: 'a', zone: 'z', clusterId: 'c', new: 1 })).toEqual({
      ...{ kind: 'hello', appName: 'a', zone: 'z', clusterId: 'c' },
    });
    expect(parsed('ack', { subscriptionId: 's', version: '1.2' })).toEqual({
      ...{ kind: 'ack', subscriptionId: 's', version: '1.2' },
    });
  });

  it('puts the data and every field that servers do not know into the body', () => {
    const { body } = published({
      ...{ dataId: 'd', registerId: 'r', zone: 'z', appName: 'a', stamp: [1, 1, 1], registerTimestamp: 1 },
      ...{ data: ['x'], attributes: { weight: 3 }, future: [true] },
    }) as { body: Uint8Array };
    expect(contentOf(body)).toEqual({ data: ['x'], attributes: { weight: 3 }, future: [true] });
  });

  it('takes a temporary publication by itself', () => {
    const temporary = { dataId: 'd', data: ['x'], temporary: true, stamp: [1, 1, 1] };
    expect(parsed('publish', temporary)).toMatchObject({
      kind: 'announce',
      publication: { registerId: 'made-up', dataInfoId, zone: 'DEFAULT_ZONE', registerTimestamp: 0 },
    });
    expect(published({ ...temporary, temporary: false })).toMatchObject({ op: 'publish' });
    expect(parsed('apply', { operations: [{ op: 'publish', ...temporary }] })).toMatchObject({
      operations: [{ op: 'refused', failure: { code: 'BAD_REQUEST' } }],
    });
  });

  it('takes a base that is none for no base, so that the client is sent everything', () => {
    for (const base of [null, 'x', {}, { clusterId: 'c', version: 'x' }, { clusterId: 1, version: '1.1' }])
      expect(parsed('subscribe', { dataId: 'd', subscriptionId: 's', base })).not.toHaveProperty('base');
  });

  const refusals: [code: string, kind: string, payload: unknown][] = [
    ['BAD_REQUEST', 'publish', undefined],
    ['BAD_REQUEST', 'publish', 'text'],
    ['BAD_REQUEST', 'publish', [1]],
    ['BAD_REQUEST', 'publish', new Uint8Array(3)],
    ['INVALID_NAME', 'publish', { data: [] }],
    ['INVALID_NAME', 'publish', { dataId: '', data: [] }],
    ['INVALID_NAME', 'publish', { dataId: 'a\u0007b', data: [] }],
    ['INVALID_NAME', 'publish', { dataId: 'a#@#b', data: [] }],
    ['INVALID_NAME', 'publish', { dataId: 'x'.repeat(513), data: [] }],
    ['INVALID_NAME', 'publish', { dataId: 'é'.repeat(257), data: [] }],
    ['INVALID_NAME', 'publish', { dataId: 'd', group: '', data: [] }],
    ['INVALID_NAME', 'publish', { dataId: 'd', zone: 7, data: [] }],
    ['INVALID_NAME', 'publish', { dataId: 'd', registerId: 'a\nb', data: [] }],
    ['BAD_REQUEST', 'publish', { dataId: 'd' }],
    ['BAD_REQUEST', 'publish', { dataId: 'd', data: [1] }],
    ['BAD_REQUEST', 'publish', { dataId: 'd', data: [], temporary: 'yes' }],
    ['BAD_REQUEST', 'publish', { dataId: 'd', data: [], stamp: [1, 2] }],
    ['BAD_REQUEST', 'publish', { dataId: 'd', data: [], stamp: [1, -2, 0] }],
    ['BAD_REQUEST', 'publish', { dataId: 'd', data: [], registerTimestamp: '1' }],
    ['DATA_TOO_LARGE', 'publish', { dataId: 'd', data: ['x'.repeat(65_537)] }],
    ['DATA_TOO_LARGE', 'publish', { dataId: 'd', data: Array.from({ length: 10_001 }, () => '') }],
    ['DATA_TOO_LARGE', 'publish', { dataId: 'd', data: [], attributes: { a: 'x'.repeat(LIMITS.bodyBytes) } }],
    ['DATA_TOO_LARGE', 'publish', { dataId: 'd', data: [], attributes: nested(LIMITS.bodyDepth) }],
    ['DATA_TOO_LARGE', 'publish', { dataId: 'd', data: [], attributes: nested(100_000) }],
    ['DATA_TOO_LARGE', 'publish', { dataId: 'd', data: [], attributes: Array.from({ length: 100 }, () => ({})) }],
    ['INVALID_NAME', 'unpublish', { dataId: 'd' }],
    ['INVALID_SCOPE', 'query', { dataId: 'd', scope: 'galaxy' }],
    ['INVALID_SCOPE', 'subscribe', { dataId: 'd', subscriptionId: 's', scope: 1 }],
    ['INVALID_NAME', 'query', { dataId: ['a', 'b'] }],
    ['INVALID_NAME', 'subscribe', { dataId: 'd' }],
    ['INVALID_NAME', 'unsubscribe', {}],
    ['BAD_REQUEST', 'ack', { subscriptionId: 's', version: 3 }],
    ['BAD_REQUEST', 'hello', {}],
    ['UNSUPPORTED_PROTOCOL', 'hello', { protocol: 99 }],
    ['BAD_REQUEST', 'apply', {}],
    ['BAD_REQUEST', 'apply', { operations: Array.from({ length: 1_001 }, () => ({})) }],
    ['UNKNOWN_PATTERN', 'explode', {}],
    ['UNKNOWN_PATTERN', '__proto__', {}],
  ];
  it.each(refusals)('answers %s to a bad %s (%#)', (code, kind, payload) => {
    expect(parsed(kind, payload)).toBe(code);
  });

  it('knows no pattern beside its own, however it is called', () => {
    for (const pattern of ['', 'toString', '__proto__', 'constructor'])
      expect(parseClientMessage(pattern, {}, context)).toMatchObject({ failure: { code: 'UNKNOWN_PATTERN' } });
  });

  it('lets one bad operation fail alone', () => {
    const good = { op: 'publish', dataId: 'd', registerId: 'good', data: [] };
    const operations = [good, { ...good, dataId: '' }, { op: 'explode', registerId: 'odd' }, 7];
    expect(parsed('apply', { operations })).toMatchObject({
      operations: [
        { op: 'publish', registerId: 'good' },
        { op: 'refused', registerId: 'good', failure: { code: 'INVALID_NAME' } },
        { op: 'refused', registerId: 'odd', failure: { code: 'BAD_REQUEST' } },
        { op: 'refused', registerId: '', failure: { code: 'BAD_REQUEST' } },
      ],
    });
  });

  it('never throws, whatever it is given', () => {
    const field = fc.constantFrom(
      ...'op dataId group instanceId registerId zone appName data stamp base scope subscriptionId operations'.split(
        ' ',
      ),
    );
    const value = fc.oneof(fc.anything({ withBigInt: true, withNullPrototype: true }), fc.constant('ok'));
    const payload = fc.oneof(value, fc.dictionary(field, value));
    const withApply = payload.map((one) => ({ operations: [one, one] }));
    fc.assert(
      fc.property(fc.constantFrom(...PATTERNS), fc.oneof(payload, withApply), (pattern, one) => {
        for (const outcome of [parseClientMessage(pattern, one, context), parseLeasedPublish(one, context)])
          expect(outcome.ok || isCode(outcome.failure.code)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('answers BAD_REQUEST to what explodes on being read or encoded', () => {
    const trap = Object.defineProperty({}, 'dataId', { get: () => JSON.parse('{'), enumerable: true });
    expect(parsed('query', trap)).toBe('BAD_REQUEST');
    expect(parsed('publish', { dataId: 'd', data: [], count: 1n })).toBe('BAD_REQUEST');
    const ring: Record<string, unknown> = { dataId: 'd', data: [] };
    ring['self'] = ring;
    expect(parsed('publish', ring)).toBe('DATA_TOO_LARGE');
    ring['twice'] = ring;
    expect(parsed('publish', ring)).toBe('BAD_REQUEST');
  });
});

describe('the edge of HTTP', () => {
  const dataInfoId = toDataInfoId({ dataId: 'd', group: 'DEFAULT_GROUP', instanceId: 'DEFAULT_INSTANCE_ID' });
  const posted = (body: unknown) => {
    const outcome = parseLeasedPublish(body, context);
    if (!outcome.ok) return outcome.failure.code;
    return outcome.request.kind === 'leasedPublish' ? outcome.request.publication : outcome.request.kind;
  };

  it('makes the caller own id part of a canonical one, and keeps a canonical one', () => {
    const canonical = leasedRegisterId(dataInfoId, 'mine');
    for (const registerId of ['mine', canonical])
      expect(posted({ dataId: 'd', data: ['x'], registerId })).toMatchObject({
        ...{ registerId: canonical, dataInfoId, owner: { kind: 'leased', leaseMs: LIMITS.defaultLeaseMs } },
      });
    expect(posted({ dataId: 'd', data: [] })).toMatchObject({ registerId: leasedRegisterId(dataInfoId, 'made-up') });
    expect(posted({ dataId: 'other', data: [], registerId: canonical })).toBe('BAD_REQUEST');
  });

  it('bounds the lease', () => {
    expect(posted({ dataId: 'd', data: [], leaseMs: 1_000 })).toMatchObject({ owner: { leaseMs: 1_000 } });
    for (const leaseMs of [0, 999, LIMITS.maxLeaseMs + 1, 1.5, '1000', -1])
      expect(posted({ dataId: 'd', data: [], leaseMs })).toBe('BAD_REQUEST');
  });

  it('finds the datum of a canonical id, and knows of no other id', () => {
    const registerId = leasedRegisterId(dataInfoId, 'a/b');
    expect(parseLeasedId(registerId, 'renew')).toMatchObject({ request: { kind: 'renew', registerId, dataInfoId } });
    for (const id of ['', 'mine', 'L.x.y', `L.${'x'.repeat(5_000)}.y`])
      expect(parseLeasedId(id, 'leasedUnpublish')).toMatchObject({ failure: { code: 'NOT_REGISTERED' } });
  });
});

function nested(depth: number): unknown {
  let value: unknown = 'bottom';
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { value };
  return value;
}
