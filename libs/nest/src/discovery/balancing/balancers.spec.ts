import { seededRandom } from '#model';
import type { ServiceEndpoint } from '../service-endpoint.js';
import type { BalancedRequest, Balancer } from './balancer.js';
import { BALANCERS } from './balancers.js';
import { ConsistentHash } from './consistent-hash.js';
import { WeightedRoundRobin } from './round-robin.js';
import { TwoChoices } from './two-choices.js';

const endpoint = (address: string, weight = 1): ServiceEndpoint => ({
  ...{ address, host: address, port: 1, weight, zone: 'z', parameters: {} },
});
const request: BalancedRequest = { inFlight: () => 0 };

function countPicks(pick: (n: number) => ServiceEndpoint | undefined, times: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let n = 0; n < times; n++) {
    const { address } = pick(n)!;
    counts[address] = (counts[address] ?? 0) + 1;
  }
  return counts;
}

describe.each(Object.entries(BALANCERS))('%s', (_name, make) => {
  const balancer = (): Balancer => make(seededRandom(7));
  const keyed = (n: number): BalancedRequest => ({ ...request, key: `key ${n}` });

  it('picks none of nothing', () => {
    expect(balancer().pick([], request)).toBeUndefined();
  });

  it('gives each its share by weight', () => {
    const endpoints = [endpoint('a', 3), endpoint('b', 1)];
    const each = balancer();
    const { a, b } = countPicks((n) => each.pick(endpoints, keyed(n)), 4_000);
    // Two choices sees to it that nobody is much busier for its weight, here all are idle and weights alone count.
    expect(a! / b!).toBeGreaterThan(2.5);
  });

  it('picks nobody of weight 0 while there are others, and all alike when there are not', () => {
    const each = balancer();
    const some = [endpoint('a', 0), endpoint('b', 1), endpoint('c', 0)];
    expect(countPicks((n) => each.pick(some, keyed(n)), 200)).toEqual({ b: 200 });
    const none = [endpoint('a', 0), endpoint('b', 0)];
    const { a, b } = countPicks((n) => each.pick(none, keyed(n)), 1_000);
    expect(Math.min(a!, b!)).toBeGreaterThan(400);
  });
});

describe('weighted round robin', () => {
  it('spreads the picks of one endpoint', () => {
    const balancer = new WeightedRoundRobin();
    const endpoints = [endpoint('a', 3), endpoint('b', 1)];
    const picks = Array.from({ length: 8 }, () => balancer.pick(endpoints)!.address).join('');
    expect(picks).toBe('aabaaaba');
  });

  it('gives a newcomer no backlog of picks after others have come and gone', () => {
    const balancer = new WeightedRoundRobin();
    for (let i = 0; i < 100; i++) balancer.pick([endpoint('a'), endpoint('b')]);
    balancer.retain([endpoint('b')]);
    const picks = Array.from({ length: 4 }, () => balancer.pick([endpoint('b'), endpoint('c')])!.address);
    expect(picks.filter((address) => address === 'c')).toHaveLength(2);
  });
});

describe('two choices', () => {
  it('keeps all about equally busy, though it sees two at a time', () => {
    const balancer = new TwoChoices(seededRandom(3));
    const busy = new Map<string, number>();
    const endpoints = Array.from({ length: 20 }, (_, i) => endpoint(`e${i}`));
    for (let n = 0; n < 2_000; n++) {
      const { address } = balancer.pick(endpoints, { inFlight: (each) => busy.get(each) ?? 0 })!;
      busy.set(address, (busy.get(address) ?? 0) + 1);
    }
    const counts = [...busy.values()];
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(10);
  });

  it('leaves one alone that does not answer', () => {
    const balancer = new TwoChoices(seededRandom(3));
    const endpoints = ['slow', 'a', 'b'].map((name) => endpoint(name));
    const inFlight = (address: string): number => (address === 'slow' ? 50 : 0);
    const { slow = 0 } = countPicks(() => balancer.pick(endpoints, { inFlight }), 300);
    expect(slow).toBe(0);
  });
});

describe('consistent hash', () => {
  const balancer = new ConsistentHash(seededRandom(1));
  const endpoints = Array.from({ length: 10 }, (_, i) => endpoint(`10.0.0.${i}:80`));
  const homeOf = (key: string, among: ServiceEndpoint[]): string => balancer.pick(among, { ...request, key })!.address;
  const keys = Array.from({ length: 2_000 }, (_, i) => `user-${i}`);

  it('sends a key to the same endpoint, whoever asks and in whatever order it knows them', () => {
    const other = new ConsistentHash(seededRandom(99));
    for (const key of keys.slice(0, 200))
      expect(other.pick(endpoints.toReversed(), { ...request, key })!.address).toBe(homeOf(key, endpoints));
  });

  it('moves only the keys of an endpoint that goes, to all the others', () => {
    const [gone, ...left] = endpoints as [ServiceEndpoint, ...ServiceEndpoint[]];
    const [moved, kept] = [true, false].map((isMoved) =>
      keys.filter((key) => (homeOf(key, endpoints) === gone.address) === isMoved),
    ) as [string[], string[]];
    for (const key of kept) expect(homeOf(key, left)).toBe(homeOf(key, endpoints));
    const heirs = new Set(moved.map((key) => homeOf(key, left)));
    expect(heirs.size).toBe(9);
  });

  it('gives one that comes its share, and moves no other key', () => {
    const added = endpoint('10.0.1.1:80');
    const moved = keys.filter((key) => homeOf(key, endpoints) !== homeOf(key, [...endpoints, added]));
    for (const key of moved) expect(homeOf(key, [...endpoints, added])).toBe(added.address);
    expect(moved.length / keys.length).toBeGreaterThan(1 / 11 / 1.5);
    expect(moved.length / keys.length).toBeLessThan(1.5 / 11);
  });

  it('spreads requests without a key', () => {
    const counts = countPicks(() => balancer.pick(endpoints, request), 2_000);
    expect(Object.keys(counts)).toHaveLength(10);
  });
});
