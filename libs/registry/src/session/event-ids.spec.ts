import { LIMITS, toDataInfoId } from '#model';
import type { PushFrame } from './contract.js';
import { type EventFrame, EventIds, aloneId } from './event-ids.js';

const name = (dataId: string) => toDataInfoId({ dataId, group: 'g', instanceId: 'i' });
const [A, B, C] = ['a', 'b', 'c'].map(name) as [string, string, string];
const HASH = '0123456789abcdef';
const held = (sequence: number, clusterId = 'one') => ({
  clusterId,
  version: { leaderEpoch: 1, sequence },
  hash: { high: 0x01234567, low: 0x89abcdef | 0 },
});

function frame(dataInfoId: string, sequence: number, fields: object = {}): EventFrame {
  const version = { leaderEpoch: 1, sequence };
  return {
    type: 'snapshot',
    dataInfoId,
    clusterId: 'one',
    version,
    publications: [],
    hash: HASH,
    ...fields,
  } as EventFrame;
}

/** The id of the last of these events. */
function told(ids: EventIds, ...frames: EventFrame[]): string {
  for (const each of frames) ids.note(each);
  return ids.idOf(frames.at(-1)!);
}

describe('the ids of events', () => {
  it('say of one datum what is held of it, the same in every stream', () => {
    const id = told(new EventIds([A]), frame(A, 7));
    expect(id).toBe(`one:1.7:${HASH}`);
    expect(id).toBe(aloneId(frame(A, 7)));
    expect(new EventIds([A], id).baseOf(A)).toEqual(held(7));
    const { hash: _, ...partial } = frame(A, 8, { type: 'partial' }) as EventFrame & { hash: string };
    expect(new EventIds([A], aloneId(partial as EventFrame)).baseOf(A)).toEqual({
      clusterId: 'one',
      version: { leaderEpoch: 1, sequence: 8 },
    });
  });

  it('say of several what is held of each, in whatever order they are watched next time', () => {
    const id = told(new EventIds([A, B, C]), frame(A, 1), frame(C, 3), frame(A, 2));
    const next = new EventIds([C, B, A], id);
    expect([A, B, C].map((each) => next.baseOf(each))).toEqual([held(2), undefined, held(3)]);
    expect(told(next, frame(B, 5)).split(';')).toHaveLength(4);
  });

  it('are good for a stream of more or fewer', () => {
    const id = told(new EventIds([A, B]), frame(A, 1), frame(B, 2));
    expect(new EventIds([B], id).baseOf(B)).toEqual(held(2));
    expect(new EventIds([C], id).baseOf(C)).toBeUndefined();
    const more = new EventIds([C, A], id);
    expect([more.baseOf(C), more.baseOf(A)]).toEqual([undefined, held(1)]);
    // That of one datum does not say which it was of.
    expect(new EventIds([A, B], aloneId(frame(A, 1))).baseOf(A)).toBeUndefined();
  });

  it('go on saying what a reader came with and need not be told again', () => {
    const before = told(new EventIds([A, B]), frame(A, 1), frame(B, 2));
    const ids = new EventIds([A, B], before);
    const unchanged: PushFrame & { type: 'unchanged' } = {
      ...{ type: 'unchanged', dataInfoId: A, clusterId: 'one', version: { leaderEpoch: 1, sequence: 9 }, hash: HASH },
    };
    ids.note(unchanged);
    const next = new EventIds([A, B], told(ids, frame(B, 3)));
    expect([next.baseOf(A), next.baseOf(B)]).toEqual([held(9), held(3)]);
  });

  it('forget what was held of another cluster', () => {
    const ids = new EventIds([A, B], told(new EventIds([A, B]), frame(A, 1), frame(B, 2)));
    const next = new EventIds([A, B], told(ids, frame(B, 1, { clusterId: 'two' })));
    expect([next.baseOf(A), next.baseOf(B)]).toEqual([undefined, held(1, 'two')]);
  });

  it.each([
    '',
    ':',
    ';',
    ';;:',
    'one',
    'one:',
    'one:x',
    'one;a',
    ':1.7',
    ';:1.7',
    'one:1.x:y',
    '\u0000',
    'a:'.repeat(9_000),
  ])('that are none of ours are as good as none: %j', (id) => {
    for (const watched of [[A], [A, B]]) expect(new EventIds(watched, id).baseOf(A)).toBeUndefined();
  });

  it('fit in a header, however many datums are watched', () => {
    const many = Array.from({ length: LIMITS.watchedDataIds }, (_, i) => name(`service-${i}`));
    const ids = new EventIds(many);
    const largest = { leaderEpoch: Number.MAX_SAFE_INTEGER, sequence: Number.MAX_SAFE_INTEGER };
    const id = told(ids, ...many.map((each) => frame(each, 1, { version: largest, clusterId: 'c'.repeat(64) })));
    expect(id.length).toBeLessThan(8 * 1024);
    expect(many.every((each) => new EventIds(many, id).baseOf(each)?.version.sequence === largest.sequence)).toBe(true);
  });
});
