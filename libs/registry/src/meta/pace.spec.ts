import type { CommandOf, MetaCommand } from './contract.js';
import { MetaWorld } from './meta-world.harness.js';

const PACE_MS = 200;
const RESTORE_AFTER_MS = 1_000;
const LEASE_MS = 3_000;

interface Placed {
  atMs: number;
  types: string[];
}

describe('how often the table changes', () => {
  let world: MetaWorld;

  beforeEach(() => {
    world = new MetaWorld();
    world.meta('meta:1');
    world.elect('meta:1');
    for (const name of ['a', 'b']) world.join(name);
    world.run(LEASE_MS);
  });

  /** What was placed while it ran, with the time to a millisecond. */
  const placedWithin = (durationMs: number): Placed[] => {
    const placed: Placed[] = [];
    for (let ms = 0; ms < durationMs; ms++) {
      const known = world.committed.length;
      world.run(1);
      for (const command of world.committed.slice(known))
        if (isPlace(command)) placed.push({ atMs: world.nowMs, types: command.steps.map(({ type }) => type) });
    }
    return placed;
  };

  it('gathers the replicas that have caught up', () => {
    for (const name of ['c', 'd']) world.member(name);
    const placed = placedWithin(LEASE_MS);
    expect(world.leaders).toEqual(['a', 'b', 'c', 'd']);
    // Two leaders have reported, each by itself.
    const times = placed.filter(({ types }) => types.includes('complete')).map(({ atMs }) => atMs);
    expect(times.length).toBeGreaterThan(1);
    for (const [index, atMs] of times.slice(1).entries()) expect(atMs - times[index]!).toBeGreaterThanOrEqual(PACE_MS);
  });

  it('proposes the first at once', () => {
    world.member('c');
    const isJoined = world.until(() => world.incarnations.includes('c'));
    expect(isJoined).toBeLessThan(50);
    expect(placedWithin(50).flatMap(({ types }) => types)).toEqual(expect.arrayContaining(['join', 'complete']));
  });

  it('gives slots another leader at once, however lately it has planned', () => {
    world.join('c');
    world.run(20);
    world.members[0]!.crash();
    expect(world.until(() => !world.leaders.includes('a'))).toBeLessThan(50);
  });

  it('restores replicas once the new leaders have had time to settle', () => {
    const isWhole = (): boolean => world.table.slots.every(({ followers }) => followers.length === 1);
    world = new MetaWorld();
    world.replicas = 2;
    world.meta('meta:1');
    world.elect('meta:1');
    for (const name of ['a', 'b', 'c', 'd']) world.join(name);
    world.run(LEASE_MS);
    expect(isWhole()).toBe(true);

    world.members[0]!.crash();
    world.until(() => !world.leaders.includes('a'));
    const promotedAtMs = world.nowMs;
    const joined = placedWithin(2 * RESTORE_AFTER_MS).find(({ types }) => types.includes('join'));
    expect(joined!.atMs - promotedAtMs).toBeGreaterThan(RESTORE_AFTER_MS - 50);
    world.run(LEASE_MS);
    expect(isWhole()).toBe(true);
  });
});

function isPlace(command: MetaCommand): command is CommandOf<'place'> {
  return command.type === 'place';
}
