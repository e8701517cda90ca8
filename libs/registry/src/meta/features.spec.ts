import { groupFeatureLevel } from './features.js';
import { type MetaNode, MetaWorld } from './meta-world.harness.js';

describe('the feature level of a cluster', () => {
  let world: MetaWorld;
  let meta: MetaNode;

  beforeEach(() => {
    world = new MetaWorld();
    world.featureLevel = 2;
    world.groupFeatureLevel = 2;
    meta = world.meta('meta:1');
    world.elect('meta:1');
  });

  const level = (): number => world.state.featureLevel;

  it('rises when every member and every meta server supports the next, and no further', () => {
    world.join('a', { featureLevel: 2 });
    world.join('s', { role: 'session', featureLevel: 3 });
    world.until(() => level() === 2);
    world.run(5_000);
    expect(level()).toBe(2);
    expect(world.commands('raiseFeatureLevel')).toEqual([{ type: 'raiseFeatureLevel', level: 2 }]);
    expect(world.logs).toContainEqual(
      expect.objectContaining({ event: 'feature-level-raised', fields: { featureLevel: 2 } }),
    );
  });

  it('waits for a member that supports less, until it is restarted as another version', () => {
    const old = world.join('a', { address: 'host:1' });
    world.join('s', { role: 'session', featureLevel: 2 });
    world.run(5_000);
    expect(world.commands('raiseFeatureLevel')).toEqual([]);
    old.crash();
    world.join('a2', { address: 'host:1', featureLevel: 2 });
    world.until(() => level() === 2);
  });

  it('waits for a meta server that supports less, or is not there to say', () => {
    world.groupFeatureLevel = undefined;
    world.join('a', { featureLevel: 2 });
    world.run(2_000);
    world.groupFeatureLevel = 1;
    world.run(2_000);
    expect(world.commands('raiseFeatureLevel')).toEqual([]);
    world.groupFeatureLevel = 2;
    world.until(() => level() === 2);
  });

  it('is proposed again when that has failed, and by the leader alone', () => {
    world.join('a', { featureLevel: 2 });
    world.logWorks = false;
    world.run(2_000);
    expect(level()).toBe(1);
    world.logWorks = true;
    world.until(() => level() === 2);
    meta.step({ type: 'featureLevel', level: 9 });
    world.elect(undefined);
    meta.step({ type: 'featureLevel', level: 9 });
    world.run(1_000);
    expect(level()).toBe(2);
  });

  it('keeps out who supports less, and says so to it once', () => {
    world.join('a', { featureLevel: 2 });
    world.until(() => level() === 2);
    const old = world.member('b');
    world.run(60_000);
    expect(old.membership.state).toBe('searching');
    expect(world.incarnations).toEqual(['a']);
    const logged = world.logs.filter(({ event }) => event === 'unsupported-level');
    expect(logged).toHaveLength(1);
    expect(logged[0]!.fields['message']).toMatch(/at feature level 2.*up to 1.*Start a version/);
    // Meta is there, so a data server is not to lead by a saved table as if it were not.
    expect(old.membership.isWithoutMeta).toBe(false);
    // It asks again now and then, for the version may change at the other end.
    expect(old.dials.length).toBeGreaterThan(3);
    expect(old.dials.length).toBeLessThan(30);
  });

  it('of a group is the lowest, if all of them are known', () => {
    const levels = new Map([
      ['a', 2],
      ['b', 3],
    ]);
    const of = (...members: string[]) => groupFeatureLevel(members, (member) => levels.get(member));
    expect(of('a', 'b')).toBe(2);
    expect(of('b')).toBe(3);
    expect(of('a', 'c')).toBeUndefined();
    expect(of()).toBeUndefined();
  });
});
