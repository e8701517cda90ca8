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

describe('what a data server says of its slots', () => {
  it('is as of now, and not of the time when it last heard of a table', () => {
    const world = new DataWorld({ sessions: ['s1'] });
    world.session('s1').reconcile();
    world.advance(7_000);
    const [agreement] = world.core.slots()[0]!.sessions;
    expect(agreement!.agreedAgoMs).toBeGreaterThanOrEqual(6_500);
    expect(agreement!.agreedAgoMs).toBeLessThanOrEqual(7_000);
  });
});
