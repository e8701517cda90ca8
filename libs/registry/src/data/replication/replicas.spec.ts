import { type LinkEffect, type ReplicaToLeader, type RoutingTable, seededRandom } from '#model';
import type { Ping } from '../contract.js';
import { DurableDisk } from '../durable/durable-disk.js';
import { SlotReplica } from '../slot-replica.js';
import { Replicas } from './replicas.js';

function table(epoch: number, leader: string, leaderEpoch: number): RoutingTable {
  const member = (incarnation: string): RoutingTable['members'][0] => ({
    ...{ role: 'data', incarnation, address: `${incarnation}:1`, httpAddress: '', zone: 'z', weight: 1 },
  });
  return {
    ...{ clusterId: 'c', epoch, departed: [], members: ['d1', 'd2', 'd3'].map(member) },
    slots: [{ leader, leaderEpoch, followers: ['d2'], joining: [] }],
  };
}

describe('a data server that follows', () => {
  function following(): { replicas: Replicas; asked: () => ReplicaToLeader[] } {
    const effects: LinkEffect<ReplicaToLeader | Ping>[] = [];
    const replicas = new Replicas({
      ...{ self: 'd2', random: seededRandom(1), silenceMs: 1e9, seenEpoch: () => 7, disk: new DurableDisk(undefined) },
      makeReplica: (slot, leaderEpoch) =>
        new SlotReplica({ slot, leaderEpoch, tombstoneMs: 600_000, intern: (text) => text }),
      emit: (effect) => effects.push(effect),
    });
    replicas.takeTable(0, table(1, 'd1', 7));
    const hello = { protocol: 1, role: 'data' as const, incarnation: 'd1', clusterId: 'c' };
    replicas.step(0, { type: 'linkUp', link: 1, direction: 'out', address: 'd1:1', hello });
    const asked = (): ReplicaToLeader[] =>
      effects
        .splice(0)
        .flatMap((effect) =>
          effect.type === 'send' && effect.message.kind === 'follow' ? [effect.message as ReplicaToLeader] : [],
        );
    return { replicas, asked };
  }

  it('asks a leader again that does not know of its leadership yet', () => {
    const { replicas, asked } = following();
    expect(asked()).toMatchObject([{ kind: 'follow', leaderEpoch: 7 }]);
    replicas.step(0, { type: 'received', link: 1, message: { kind: 'moved', slot: 0, leaderEpoch: 6 } });
    replicas.sweep(499, -Infinity, 100);
    expect(asked()).toEqual([]);
    replicas.sweep(501, -Infinity, 100);
    expect(asked()).toMatchObject([{ kind: 'follow', leaderEpoch: 7 }]);
  });

  it('asks one that knows of a later leadership no more before the table of that has come (invariant 6)', () => {
    const { replicas, asked } = following();
    asked();
    replicas.step(0, { type: 'received', link: 1, message: { kind: 'moved', slot: 0, leaderEpoch: 8 } });
    replicas.sweep(60_000, -Infinity, 100);
    expect(asked()).toEqual([]);
    replicas.takeTable(60_000, table(2, 'd1', 8));
    expect(asked()).toMatchObject([{ kind: 'follow', leaderEpoch: 8 }]);
  });
});
