import { Subscriber } from './subscriber.js';

describe('a subscriber', () => {
  it('makes a list for those who look at it, and for nobody else', async () => {
    let made = 0;
    const snapshot = () => (made++, { dataInfoId: 'd', state: 'current' as const, publishers: [] });
    const subscriber = new Subscriber({ snapshot, end: () => {}, report: () => {} }, snapshot());
    const changes = { added: [], updated: [], removed: [] };
    const lists = (): number => {
      const before = made;
      subscriber.changedBy(changes);
      return made - before;
    };

    const told: unknown[] = [];
    subscriber.on('changes', (given) => told.push(given));
    expect(lists()).toBe(0);
    const listener = (): void => {};
    subscriber.on('change', listener);
    expect(lists()).toBe(1);
    subscriber.off('change', listener);
    const iterator = subscriber[Symbol.asyncIterator]();
    expect(lists()).toBe(1);
    await iterator.return!();
    expect(lists()).toBe(0);
    expect(told).toEqual([changes, changes, changes, changes]);
  });
});
