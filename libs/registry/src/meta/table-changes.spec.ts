import type { RoutingTable, SlotAssignment } from '#model';
import { TableChanges } from './table-changes.js';

const slot = (leader: string | null, leaderEpoch: number, more: Partial<SlotAssignment> = {}): SlotAssignment => ({
  ...{ leader, leaderEpoch, followers: [], joining: [] },
  ...more,
});

function table(members: string[], slots: SlotAssignment[], departed: RoutingTable['departed'] = []): RoutingTable {
  return {
    ...{ clusterId: 'c', epoch: 1, slots, departed },
    members: members.map((incarnation) => ({
      ...{ role: 'data', incarnation, address: '', httpAddress: '', zone: '', weight: 1 },
    })),
  };
}

describe('what becomes of slots and members', () => {
  it('is counted once, by how a slot came by its leader', () => {
    const changes = new TableChanges();
    const before = table(['a', 'b'], [slot('a', 1), slot('a', 1), slot('x', 1), slot(null, 0)]);
    const after = table(
      ['a', 'b'],
      [slot('b', 2), slot('a', 1, { joining: ['b'] }), slot('b', 2), slot('b', 1, { begun: true })],
    );
    changes.note(before, after);
    changes.note(after, after);
    expect(changes.leaders).toEqual({ handover: 1, promotion: 1, begun: 1 });
    expect(changes.joins).toBe(1);
  });

  it('tells why members are gone, and not again while the table remembers it', () => {
    const changes = new TableChanges();
    const gone = [{ role: 'data', incarnation: 'a', cause: 'expired' }] as const;
    const after = table([], [], [...gone]);
    changes.note(table(['a'], []), after);
    changes.note(after, { ...table(['b'], []), departed: [...gone] });
    expect(changes.departed).toEqual({ left: 0, expired: 1, refused: 0, replaced: 0 });
  });
});
