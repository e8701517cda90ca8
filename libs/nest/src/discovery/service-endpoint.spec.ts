import type { PublisherView } from '#model';
import { endpointsOf } from './service-endpoint.js';

const publisher = (data: string[], zone = 'z'): PublisherView => ({
  ...{ registerId: data.join(), zone, appName: 'a', registerTimestamp: 1, data },
});

describe('endpoints of a service', () => {
  it('are those of the protocol asked for, with weight, version and zone', () => {
    const data = ['tcp://10.0.0.1:81?weight=5&version=1.2&k=v', 'http://10.0.0.1:80', 'not one', 'tcp://[::1]:81'];
    expect(endpointsOf([publisher(data, 'east')], 'tcp')).toEqual([
      {
        ...{ address: '10.0.0.1:81', host: '10.0.0.1', port: 81, weight: 5, version: '1.2' },
        ...{ zone: 'east', parameters: { k: 'v' } },
      },
      { address: '[::1]:81', host: '::1', port: 81, weight: 1, zone: 'east', parameters: {} },
    ]);
  });

  it('are listed once, however many publishers name them', () => {
    const list = [publisher(['tcp://a:1', 'tcp://b:1']), publisher(['tcp://a:1'])];
    expect(endpointsOf(list, 'tcp').map((endpoint) => endpoint.address)).toEqual(['a:1', 'b:1']);
  });
});
