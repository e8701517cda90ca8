import { RegistryClient, type Subscriber } from '#client';
import { type Tiers, startTiers } from '../support/tiers.js';

const CONNECTIONS = 2_000;
/** A minute of processor time, of which it gets a part where other tests run clusters beside it. */
const TIMEOUT_MS = 600_000;
const PUBLISHERS = 10_000;
/** Published before anybody subscribes; the others while all watch. */
const EARLY = 9_000;
const DATA_IDS = 100;
const AT_ONCE = 100;

const nameOf = (index: number): string => `many-${index % DATA_IDS}`;

/** Runs `task` for 0..count-1, so many at a time. */
async function forEach(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const values = (subscriber: Subscriber): string[] =>
  subscriber
    .current()
    .publishers.flatMap((publisher) => publisher.data)
    .toSorted();

/** Resolves when the subscriber holds exactly these values. */
function holding(subscriber: Subscriber, expected: string): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (values(subscriber).join() !== expected) return;
      subscriber.off('change', check);
      resolve();
    };
    subscriber.on('change', check);
    check();
  });
}

describe('2,000 subscribers on 2,000 connections and 10,000 publishers over 100 dataIds', () => {
  let tiers: Tiers;
  const clients: RegistryClient[] = [];

  beforeAll(async () => {
    tiers = await startTiers();
  });

  afterAll(async () => {
    await forEach(clients.length, (index) => clients[index]!.close({ drain: false }));
    await tiers.close();
  });

  it(
    'shows every subscriber exactly what was published, and one more to all it concerns',
    async () => {
      const subscribers: Subscriber[] = [];
      const expected = Array.from({ length: DATA_IDS }, () => [] as string[]);
      const publish = async (index: number): Promise<void> => {
        const value = `tcp://10.0.${index >> 8}.${index & 255}:80`;
        expected[index % DATA_IDS]!.push(value);
        await clients[index % CONNECTIONS]!.publish({ dataId: nameOf(index), data: [value] });
      };
      for (let index = 0; index < CONNECTIONS; index++)
        clients.push(new RegistryClient({ seeds: [tiers.session.rpcAddress] }));
      await forEach(EARLY, publish);
      await forEach(CONNECTIONS, async (index) => {
        subscribers[index] = clients[index]!.subscribe({ dataId: nameOf(index) });
        await subscribers[index].ready();
      });
      await forEach(PUBLISHERS - EARLY, (index) => publish(EARLY + index));
      const lists = expected.map((list) => list.toSorted().join());
      await Promise.all(subscribers.map((subscriber, index) => holding(subscriber, lists[index % DATA_IDS]!)));

      const oneMore = [...expected[7]!, 'tcp://one.more:1'].toSorted().join();
      const concerned = subscribers.filter((_, index) => index % DATA_IDS === 7);
      expect(concerned).toHaveLength(CONNECTIONS / DATA_IDS);
      await clients[0]!.publish({ dataId: nameOf(7), data: ['tcp://one.more:1'] });
      await Promise.all(concerned.map((subscriber) => holding(subscriber, oneMore)));
      lists[7] = oneMore;
      subscribers.forEach((subscriber, index) => expect(values(subscriber).join()).toBe(lists[index % DATA_IDS]));
    },
    TIMEOUT_MS,
  );
});
