import { describe, expect, it } from '@jest/globals';
import { MemoryStore, etcdContract, key } from '#etcd/testing';

let nowMs = 0;
let store: MemoryStore;

etcdContract('The model of one node', {
  makeStore: () => (store = new MemoryStore(() => nowMs)),
  advance: async (ms) => {
    nowMs += ms;
    store.tick();
  },
  until: async (holds) => {
    // oxlint-disable-next-line no-await-in-loop -- whatever is told is told within a few microtasks
    for (let turn = 0; turn < 1_000 && !holds(); turn++) await Promise.resolve();
    if (!holds()) throw new Error('It never came to hold.');
  },
});

describe('The model of one node', () => {
  it('keeps what was, until it is compacted', async () => {
    const model = new MemoryStore(() => 0);
    const first = await model.put({ key: key('a'), value: key('1') });
    const second = await model.put({ key: key('a'), value: key('2') });
    expect(second.header.revision).toBe(first.header.revision + 1n);
    const then = await model.range({ key: key('a'), revision: first.header.revision });
    expect(then.kvs).toMatchObject([{ value: key('1') }]);
    await model.compact(second.header.revision);
    await expect(model.range({ key: key('a'), revision: first.header.revision })).rejects.toMatchObject({
      code: 'COMPACTED',
    });
    await expect(model.compact(second.header.revision)).rejects.toMatchObject({ code: 'COMPACTED' });
  });
});
