import type { PublisherView } from '#model';
import { endpointsOf, parseEndpoint } from './endpoint.js';
import { WeightedRoundRobin } from './round-robin.js';

const publisher = (data: string[]): PublisherView => ({
  registerId: data.join(),
  zone: 'z',
  appName: 'a',
  registerTimestamp: 1,
  data,
});

describe('endpoints of a service', () => {
  it('reads host, port and weight of the protocol asked for', () => {
    expect(parseEndpoint('tcp://10.0.0.1:81?weight=5&version=1.2', 'tcp')).toEqual({
      address: '10.0.0.1:81',
      host: '10.0.0.1',
      port: 81,
      weight: 5,
    });
    expect(parseEndpoint('tcp://[::1]:81', 'tcp')).toMatchObject({ address: '[::1]:81', host: '::1', port: 81 });
  });

  it.each(['', 'nonsense', 'http://a:1', 'tcp://a', 'tcp://:1', 'tcp://a:99999'])('passes over %j', (text) => {
    expect(parseEndpoint(text, 'tcp')).toBeUndefined();
  });

  it('takes weight 1 where the weight is missing or absurd, and bounds it', () => {
    expect(parseEndpoint('tcp://a:1?weight=x', 'tcp')?.weight).toBe(1);
    expect(parseEndpoint('tcp://a:1?weight=-4', 'tcp')?.weight).toBe(1);
    expect(parseEndpoint('tcp://a:1?weight=1e9', 'tcp')?.weight).toBe(1000);
  });

  it('lists an address once, however many publishers name it', () => {
    const list = [publisher(['tcp://a:1', 'tcp://b:1']), publisher(['tcp://a:1', 'not one'])];
    expect(endpointsOf(list, 'tcp').map((endpoint) => endpoint.address)).toEqual(['a:1', 'b:1']);
  });
});

describe('weighted round robin', () => {
  const endpoint = (address: string, weight: number) => ({ address, host: address, port: 1, weight });

  it('gives each endpoint its share and spreads its picks', () => {
    const balancer = new WeightedRoundRobin();
    const endpoints = [endpoint('a', 3), endpoint('b', 1)];
    const picks = Array.from({ length: 8 }, () => balancer.pick(endpoints)!.address).join('');
    expect(picks).toBe('aabaaaba');
  });

  it('picks none of nothing, and picks evenly when all weights are 0', () => {
    const balancer = new WeightedRoundRobin();
    expect(balancer.pick([])).toBeUndefined();
    const endpoints = [endpoint('a', 0), endpoint('b', 0)];
    expect(Array.from({ length: 4 }, () => balancer.pick(endpoints)!.address).toSorted()).toEqual(['a', 'a', 'b', 'b']);
  });

  it('gives a newcomer no backlog of picks after others have come and gone', () => {
    const balancer = new WeightedRoundRobin();
    for (let i = 0; i < 100; i++) balancer.pick([endpoint('a', 1), endpoint('b', 1)]);
    balancer.retain([endpoint('b', 1)]);
    const picks = Array.from({ length: 4 }, () => balancer.pick([endpoint('b', 1), endpoint('c', 1)])!.address);
    expect(picks.filter((address) => address === 'c')).toHaveLength(2);
  });
});
