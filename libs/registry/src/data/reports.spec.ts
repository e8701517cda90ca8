import { DataWorld } from './data-world.harness.js';

describe('what a data server tells meta of session servers', () => {
  it('is that a link broke which it has not closed itself', () => {
    const world = new DataWorld({ sessions: ['s1', 's2'] });
    const suspects = (): string[] =>
      world.toMeta.flatMap((message) => (message.kind === 'suspect' ? [message.incarnation] : []));
    world.session('s1').die();
    expect(suspects()).toEqual(['s1']);
    const silent = world.session('s2');
    silent.isAlive = false;
    world.advance(12_000);
    expect(silent.link).toBeUndefined();
    world.session('stranger').die();
    expect(suspects()).toEqual(['s1']);
  });
});
