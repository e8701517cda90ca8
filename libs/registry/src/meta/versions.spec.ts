import { MetaWorld } from './meta-world.harness.js';

describe('the versions in a cluster', () => {
  let world: MetaWorld;

  beforeEach(() => {
    world = new MetaWorld();
    world.version = '0.4.2';
    world.meta('meta:1');
    world.elect('meta:1');
  });

  it.each(['0.3.0', '0.4.0', '0.5.9', undefined])('%s may join a meta server of 0.4.2', (version) => {
    world.join('a', version === undefined ? {} : { version });
    expect(world.incarnations).toEqual(['a']);
  });

  it.each(['0.2.9', '0.6.0', '1.4.2'])('%s may not, is told so once, and nothing is changed', (version) => {
    world.run(1_000);
    const { epoch } = world.state.table;
    const member = world.member('a', { version });
    world.run(60_000);
    expect(member.membership.state).toBe('searching');
    expect(world.state.table).toMatchObject({ epoch, members: [] });
    const logged = world.logs.filter(({ event }) => event === 'unsupported-version');
    expect(logged).toHaveLength(1);
    expect(logged[0]!.fields).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      message: expect.stringContaining(`of version ${version}, and the meta server that leads of version 0.4.2`),
    });
    // Meta is there, so a data server is not to lead by a saved table as if it were not; it asks again now and then.
    expect(member.membership.isWithoutMeta).toBe(false);
    expect(member.dials.length).toBeGreaterThan(3);
    expect(member.dials.length).toBeLessThan(30);
  });

  it('of members that are there do not matter when a newer meta server begins to lead', () => {
    const member = world.join('a', { version: '0.3.0', metas: ['meta:1', 'meta:2'] });
    world.metas.get('meta:1')!.crash();
    world.version = '0.5.0';
    world.meta('meta:2');
    world.elect('meta:2');
    world.run(20_000);
    expect(member).toMatchObject({ timesJoined: 2, membership: { state: 'joined' } });
    const late = world.member('b', { version: '0.3.0' });
    world.run(20_000);
    expect(late.membership.state).toBe('searching');
    expect(world.incarnations).toEqual(['a']);
  });
});
