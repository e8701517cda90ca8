import { MAX_SLOT_SIZES, type SlotSize, type Stamp } from '#model';
import { SizeReports } from './size-reports.js';
import type { SlotLeader } from './slot-leader.js';
import { SlotReplica } from './slot-replica.js';

const leaders = (count: number): SlotLeader[] =>
  Array.from({ length: count }, (_, slot) => {
    const replica = { slot, leaderEpoch: 3, publicationCount: 2, bytes: 50, interest: { size: 4 } };
    return { replica } as unknown as SlotLeader;
  });
const slots = (sizes: SlotSize[]): number[] => sizes.map(({ slot }) => slot);

describe('how much there is in slots', () => {
  it('is that of what is live', () => {
    const replica = new SlotReplica({ slot: 0, leaderEpoch: 1, tombstoneMs: 1_000, intern: (text) => text });
    const publish = (version: number, bytes: number): void => {
      const stamp: Stamp = [1, version, 0];
      const owner = { kind: 'connected' as const, session: 's1', connection: 1 };
      const rest = { registerId: 'r', dataInfoId: 'd', zone: 'z', appName: '', registerTimestamp: 1 };
      const publication = { ...rest, stamp, owner, body: new Uint8Array(bytes) };
      replica.apply(0, { op: 'publish', publication }, 's1');
    };
    publish(1, 5);
    publish(3, 3);
    publish(2, 9);
    expect([replica.publicationCount, replica.bytes]).toEqual([1, 3]);
    replica.remove(0, replica.live('d', 'r')!, 'unpublish', 's1');
    expect([replica.publicationCount, replica.bytes]).toEqual([0, 0]);
  });

  it('is told now and then', () => {
    const reports = new SizeReports();
    expect(reports.take(0, 0, [])).toEqual([]);
    expect(reports.take(1, 1, leaders(1))).toEqual([
      { slot: 0, leaderEpoch: 3, publications: 2, bytes: 50, wanted: 4 },
    ]);
    expect(reports.take(5_000, 1, leaders(1))).toEqual([]);
    expect(slots(reports.take(5_001, 1, leaders(1)))).toEqual([0]);
  });

  it('is told of a bounded number of them at a time, and of all in turn', () => {
    const reports = new SizeReports();
    const count = 2 * MAX_SLOT_SIZES + 10;
    const told = [0, 5_000, 10_000].map((nowMs) => slots(reports.take(nowMs, count, leaders(count))));
    expect(told.map(({ length }) => length)).toEqual([MAX_SLOT_SIZES, MAX_SLOT_SIZES, 10]);
    expect(new Set(told.flat()).size).toBe(count);
    expect(slots(reports.take(15_000, count, leaders(count)))[0]).toBe(0);
  });
});
