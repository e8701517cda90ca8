import { systemEnv } from '#client';
import { RegistryError } from '#model';
import { APPS_MOST, ClusterNames } from './cluster-names.js';

const named = (...dataIds: string[]) => dataIds.map((dataId) => ({ dataId, publications: 1, complete: true }));
const page = (datums: object[], more: object = {}) => ({ datums, unanswered: [], ...more });

/** Answers when it is told to. */
class Lists {
  asked = 0;
  private answers: ((page: object) => void)[] = [];

  ofData(): Promise<object> {
    this.asked++;
    return new Promise((resolve) => this.answers.push(resolve));
  }

  async answer(page: object): Promise<void> {
    while (this.answers.length === 0) await new Promise((resolve) => setImmediate(resolve));
    this.answers.shift()!(page);
  }
}

describe('the names in the cluster', () => {
  it('are read once for all who ask meanwhile, and anew for who asks after the reading has begun', async () => {
    const lists = new Lists();
    const names = new ClusterNames(lists, systemEnv());
    const early = [names.read(), names.read()];
    while (lists.asked === 0) await new Promise((resolve) => setImmediate(resolve));
    const late = [names.read(), names.read(), names.read()];
    await lists.answer(page(named('a')));
    expect(await Promise.all(early)).toMatchObject([{ dataIds: ['a'] }, { dataIds: ['a'] }]);
    await lists.answer(page([...named('a', 'b'), { dataId: 'awaited', publications: 0, complete: true }]));
    for (const read of await Promise.all(late)) expect(read.dataIds).toEqual(['a', 'b']);
    expect(lists.asked).toBe(2);
  });

  it.each([
    ['a server', { unanswered: [{ server: 'd1' }] }],
    ['a leader', { leaderless: 1 }],
    ['peace', { unsettled: true }],
    ['completeness', { datums: [{ dataId: 'a', publications: 1, complete: false }] }],
  ])('are not all where %s is missing', async (_, more) => {
    const lists = new Lists();
    const read = new ClusterNames(lists, systemEnv()).read();
    await lists.answer(page(named('a'), more));
    expect(await read).toEqual({ dataIds: ['a'], areAll: false });
  });

  it('are refused beyond a bound, and a reading that failed fails nobody who asks later', async () => {
    const lists = new Lists();
    const names = new ClusterNames(lists, systemEnv());
    const read = names.read();
    await lists.answer(page(named(...Array.from({ length: APPS_MOST + 1 }, (_, i) => `n${i}`))));
    await expect(read).rejects.toThrow(RegistryError);
    const again = names.read();
    await lists.answer(page(named('a')));
    expect((await again).dataIds).toEqual(['a']);
  });
});
