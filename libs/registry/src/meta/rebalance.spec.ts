import { type MemberNode, MetaWorld } from './meta-world.harness.js';

const LEASE_MS = 3_000;

describe('what operators want of the placement of slots', () => {
  let world: MetaWorld;

  beforeEach(() => {
    world = new MetaWorld();
    world.meta('meta:1');
    world.elect('meta:1');
    for (const name of ['a', 'b', 'c']) world.join(name);
    world.until(() => world.leaders.join() === 'a,b,c');
    world.run(LEASE_MS);
  });

  const leads = (name: string): number => world.table.slots.filter(({ leader }) => leader === name).length;

  it('moves everything off a server that is drained, and tells everybody', () => {
    world.operate({ type: 'drain', server: 'b', leaving: 1 });
    world.until(() => world.leaders.join() === 'a,c');
    world.run(LEASE_MS * 5);
    expect(JSON.stringify(world.table.slots)).not.toContain('"b"');
    expect(world.incarnations).toEqual(['a', 'b', 'c']);
    for (const { membership } of world.members) expect(membership.table!.draining).toEqual(['b:9620']);
    world.operate({ type: 'undrain', server: 'b' });
    world.until(() => world.leaders.join() === 'a,b,c');
  });

  it('moves nothing for balance while that is paused, and goes on afterwards, under the next leader too', () => {
    world.operate({ type: 'setRebalance', paused: true });
    world.run(10);
    world.join('d');
    world.run(LEASE_MS * 5);
    expect(leads('d')).toBe(0);
    world.meta('meta:2');
    world.elect('meta:2');
    world.run(LEASE_MS * 5);
    expect(leads('d')).toBe(0);
    world.operate({ type: 'setRebalance', paused: false });
    world.until(() => leads('d') > 0, 1_000);
    expect(world.logs.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['rebalance-paused', 'rebalance-resumed']),
    );
  });

  it('knows how much there is in a slot by the word of its leader, and of nobody else', () => {
    const meta = world.metas.get('meta:1')!;
    const known = (slot: number) => meta.core.planning(world.nowMs).sizeOf(slot);
    const slot = world.table.slots.findIndex(({ leader }) => leader === 'b');
    const { leaderEpoch } = world.table.slots[slot]!;
    const size = { slot, leaderEpoch, publications: 7, bytes: 700, wanted: 2 };
    const [a, b] = world.members as [MemberNode, MemberNode];
    a.tellSizes([size]);
    b.tellSizes([{ ...size, leaderEpoch: leaderEpoch - 1 }]);
    b.tellSizes([{ ...size, bytes: -1 }]);
    b.tellSizes([{ ...size, slot: 99_999 }]);
    world.run(10);
    expect(known(slot)).toBeUndefined();
    b.tellSizes([size]);
    world.run(10);
    expect(known(slot)).toEqual(size);
    world.elect('meta:1');
    world.run(10);
    expect(known(slot)).toBeUndefined();
  });

  it('gives slots whose leader is gone another, and drains, while balancing is paused', () => {
    world.operate({ type: 'setRebalance', paused: true });
    world.members[0]!.crash();
    world.until(() => world.leaders.join() === 'b,c');
    world.operate({ type: 'drain', server: 'b', leaving: 1 });
    world.until(() => world.leaders.join() === 'c');
    expect(world.state.rebalance.paused).toBe(true);
  });
});
