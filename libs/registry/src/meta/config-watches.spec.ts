import { LIMITS } from '#model';
import { type MemberNode, MetaWorld } from './meta-world.harness.js';

describe('configuration values that session servers watch', () => {
  let world: MetaWorld;
  let session: MemberNode;

  beforeEach(() => {
    world = new MetaWorld();
    world.meta('meta:1');
    world.meta('meta:2');
    world.elect('meta:1');
    session = world.join('s', { role: 'session' });
  });

  const set = (key: string, value: string): void => {
    world.operate({ type: 'setConfig', key, value });
    world.run(50);
  };
  const remove = (key: string): void => {
    world.operate({ type: 'deleteConfig', key });
    world.run(50);
  };
  const told = (node = session): (string | number)[][] =>
    node.config.splice(0).map(({ key, version, value }) => [key, version, ...(value === undefined ? [] : [value])]);

  it('are told at once, with the version as of which there is none, and then with every change, and no others are', () => {
    set('a', '1');
    session.watchConfig({ a: undefined, b: undefined });
    world.run(50);
    expect(told()).toEqual([
      ['a', 1, '1'],
      ['b', 1],
    ]);
    for (const value of ['2', '2', '3']) set('a', value);
    set('c', 'of nobody');
    remove('a');
    set('b', 'x');
    expect(told()).toEqual([
      ['a', 2, '2'],
      ['a', 3, '3'],
      ['a', 5],
      ['b', 6, 'x'],
    ]);
    session.watchConfig({}, ['b']);
    world.run(50);
    set('b', 'y');
    expect(told()).toEqual([]);
  });

  it('are told not to exist also where nothing was ever set', () => {
    session.watchConfig({ a: undefined });
    world.run(50);
    expect(told()).toEqual([['a', 0]]);
  });

  it('are told again only where something newer is known', () => {
    set('a', '1');
    set('b', '2');
    session.watchConfig({ a: 1, b: 1, c: 2, d: 1 });
    world.run(50);
    expect(told()).toEqual([
      ['b', 2, '2'],
      ['d', 2],
    ]);
  });

  it('are of a link: whoever comes back, or to another leader, names them anew and misses nothing', () => {
    set('a', '1');
    session.watchConfig({ a: undefined });
    world.run(50);
    world.elect('meta:2');
    world.until(() => session.timesJoined === 2);
    set('a', '2');
    expect(told()).toEqual([['a', 1, '1']]);
    session.watchConfig({ a: 1 });
    world.run(50);
    set('a', '3');
    expect(told()).toEqual([
      ['a', 2, '2'],
      ['a', 3, '3'],
    ]);
  });

  it('are told by a leader in a new term, too, to links that it has had before', () => {
    session.watchConfig({ a: undefined });
    world.run(50);
    world.elect('meta:1');
    set('a', '1');
    world.run(1_000);
    expect(told().at(-1)).toEqual(['a', 1, '1']);
  });

  it('of more keys than are allowed, or of a message of another form, are not told', () => {
    const other = world.join('t', { role: 'session' });
    const keys = Array.from({ length: LIMITS.configKeysPerSession + 500 }, (_, i) => `k${i}`);
    for (let at = 0; at < keys.length; at += 500)
      session.watchConfig(Object.fromEntries(keys.slice(at, at + 500).map((key) => [key, 0])));
    const [link] = world.linksOf(other);
    for (const watch of [undefined, 7, [7], [{ key: 1, version: 0 }], [{ key: 'a', version: '0' }], keys])
      world.send(link!, 'meta', { kind: 'watchConfig', incarnation: 't', watch, unwatch: [] });
    world.run(50);
    set(keys.at(-1)!, 'beyond');
    set(keys[0]!, 'within');
    expect(told()).toEqual([[keys[0], 2, 'within']]);
    expect(told(other)).toEqual([]);
  });
});
