import type { Push } from '#model';
import { type PushFrame, parseClientMessage } from '#registry';
import { unpack } from '#wire';
import { edgeContext } from './edge.js';
import { sharedPush } from './frames.js';

const edge = edgeContext(() => 'made-up');

/** The body that is stored of such attributes. @throws when they are refused */
function bodyOf(fields: object): Uint8Array {
  const outcome = parseClientMessage('registry.publish', { dataId: 'd', data: ['a:1'], ...fields }, edge);
  if (!outcome.ok) throw new Error(outcome.failure.code);
  const [operation] = (outcome.request as { operations: { body: Uint8Array }[] }).operations;
  return operation!.body;
}

function frameOf(bodies: readonly Uint8Array[]): PushFrame {
  return {
    ...{ type: 'snapshot', dataInfoId: 'd', clusterId: 'c', hash: '', version: { leaderEpoch: 1, sequence: 2 } },
    publications: bodies.map((body, at) => ({
      ...{ registerId: `${at}`, dataInfoId: 'd', zone: 'z', appName: 'a', registerTimestamp: at, body },
      ...{ stamp: [1, 2, at], owner: { kind: 'persistent' } },
    })),
  };
}

function read(frame: PushFrame): Push & { publishers: object[] } {
  return unpack(sharedPush(frame, false).packed) as Push & { publishers: object[] };
}

describe('a push, as RPC clients read it', () => {
  it('has what was published, and what servers say of it themselves', () => {
    const frame = frameOf([bodyOf({ weight: 3, labels: { a: ['b'] } }), Uint8Array.of(0xc1)]);
    const own = { zone: 'z', appName: 'a' };
    expect(read(frame)).toEqual({
      ...{ type: 'snapshot', dataInfoId: 'd', clusterId: 'c', version: '1.2', hash: '' },
      publishers: [
        { ...own, registerId: '0', registerTimestamp: 0, data: ['a:1'], weight: 3, labels: { a: ['b'] } },
        { ...own, registerId: '1', registerTimestamp: 1, data: [] },
      ],
    });
  });

  it('is one piece of memory for all who are sent it', () => {
    const frame = frameOf([bodyOf({})]);
    expect(sharedPush(frame, false)).toBe(sharedPush(frame, false));
  });

  it('can be read however much is in it of the most nested that may be published', () => {
    const lists = (count: number): Uint8Array => bodyOf({ lists: Array.from({ length: count }, () => []) });
    const most = Array.from({ length: 60 }, (_, at) => at).findLast((count) => {
      try {
        return lists(count);
      } catch {
        return false;
      }
    })!;
    expect(() => lists(most + 1)).toThrow('DATA_TOO_LARGE');
    let deep: unknown = 'bottom';
    for (let i = 1; i < 32; i++) deep = { deep };
    const bodies = Array.from({ length: 5_000 }, () => lists(most));
    expect(read(frameOf([...bodies, bodyOf({ deep })])).publishers).toHaveLength(5_001);
  });
});
