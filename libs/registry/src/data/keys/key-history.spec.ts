import { KeyHistory } from './key-history.js';

const WAITING_MAX = 20_000;

describe('changes that wait for what is on its way to disks', () => {
  it('are as many as may wait before no more is written, until they are told', () => {
    const history = new KeyHistory();
    const first = history.next();
    history.begin(first);
    for (let i = 0; i < WAITING_MAX; i++) {
      expect(history.isFull).toBe(false);
      history.add([{ slot: 0, revision: history.next(), key: 'a' }]);
    }
    expect(history.take()).toEqual([]);
    expect(history.isFull).toBe(true);
    history.end(first);
    expect(history.take()).toHaveLength(WAITING_MAX);
    expect(history.isFull).toBe(false);
  });
});
