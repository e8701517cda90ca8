import { LIMITS, toDataInfoId } from '#model';
import type { EdgeContext } from './edge.js';
import { parseRenewals } from './edge-renewals.js';
import { parseWatch } from './edge-watch.js';

const context: EdgeContext = { encodeBody: () => new Uint8Array(), makeRegisterId: () => 'made-up' };
const name = (dataId: string) => toDataInfoId({ dataId, group: 'g', instanceId: 'DEFAULT_INSTANCE_ID' });

function watched(query: object, lastEventId?: string): unknown {
  const parsed = parseWatch({ group: 'g', ...query }, lastEventId, context);
  return parsed.ok ? parsed.subscriptions : parsed.failure.code;
}

describe('what a stream of events is to tell', () => {
  const common = { kind: 'subscribe', scope: 'zone', zone: 'z', wholeOnly: true };

  it('is a subscription for each name, once, with the rest of the query in common', () => {
    const query = { dataId: ['a', 'b', 'a'], scope: 'zone', zone: 'z', deltas: 'true' };
    expect(watched(query)).toEqual(
      ['a', 'b'].map((dataId) => ({
        ...{ ...common, deltas: true },
        ...{ dataInfoId: name(dataId), subscriptionId: name(dataId) },
      })),
    );
    expect(watched({ dataId: 'a', scope: 'zone', zone: 'z' })).toMatchObject([common]);
  });

  it('starts from what the last event of each has told', () => {
    const version = { leaderEpoch: 1, sequence: 7 };
    expect(watched({ dataId: 'a' }, 'one:1.7')).toMatchObject([{ base: { clusterId: 'one', version } }]);
    expect(watched({ dataId: ['a', 'b'] }, 'one:1.7')).toEqual([
      expect.not.objectContaining({ base: expect.anything() }),
      expect.not.objectContaining({ base: expect.anything() }),
    ]);
  });

  it.each([
    [{}, 'INVALID_NAME'],
    [{ dataId: [] }, 'INVALID_NAME'],
    [{ dataId: ['a', ''] }, 'INVALID_NAME'],
    [{ dataId: ['a', { b: 1 }] }, 'INVALID_NAME'],
    [{ dataId: ['a', 'b'], group: ['g', 'h'] }, 'INVALID_NAME'],
    [{ dataId: ['a', 'b'], scope: 'world' }, 'INVALID_SCOPE'],
    [{ dataId: 'a', deltas: 'some' }, 'BAD_REQUEST'],
    [{ dataId: Array.from({ length: LIMITS.watchedDataIds + 1 }, (_, i) => `a${i}`) }, 'BAD_REQUEST'],
  ])('is refused for %j', (query, code) => {
    expect(watched(query)).toBe(code);
  });
});

describe('leases that are renewed together', () => {
  it('are refused each by itself', () => {
    expect(parseRenewals({ registerIds: ['x'] })).toMatchObject({
      renewals: [{ registerId: 'x', parsed: { ok: false, failure: { code: 'NOT_REGISTERED' } } }],
    });
    expect(parseRenewals({ registerIds: [] })).toEqual({ ok: true, renewals: [] });
  });

  it.each([
    ['no list', {}],
    ['nothing', undefined],
    ['a list of something else', { registerIds: [1] }],
    ['too many', { registerIds: Array.from({ length: LIMITS.operationsPerApply + 1 }, () => 'x') }],
  ])('are refused together for %s', (_, body) => {
    expect(parseRenewals(body)).toMatchObject({ ok: false, failure: { code: 'BAD_REQUEST' } });
  });
});
