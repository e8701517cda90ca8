import type { ServiceEndpoint } from '../service-endpoint.js';
import { Outliers } from './outliers.js';
import { preferZone } from './zones.js';

const endpoint = (address: string, zone = 'z', weight = 1): ServiceEndpoint => ({
  ...{ address, host: address, port: 1, weight, zone, parameters: {} },
});
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => endpoint(name)) as [
  ServiceEndpoint,
  ServiceEndpoint,
  ServiceEndpoint,
  ServiceEndpoint,
];
const all = [a, b, c, d];

describe('outliers', () => {
  it('that refuse a connection are passed over at once, and for longer each time', () => {
    const outliers = new Outliers({ ejectMs: 100, maxEjectMs: 300 });
    let nowMs = 0;
    for (const forMs of [100, 200, 300, 300]) {
      outliers.failed(nowMs, 'a', true);
      expect(outliers.healthy(nowMs + forMs - 1, all)).toEqual([b, c, d]);
      nowMs += forMs;
      expect(outliers.healthy(nowMs, all)).toEqual(all);
    }
    outliers.succeeded('a');
    outliers.failed(nowMs, 'a', true);
    expect(outliers.healthy(nowMs + 100, all)).toEqual(all);
  });

  it('that break off are passed over after some failures in a row', () => {
    const outliers = new Outliers({ failures: 3 });
    outliers.failed(0, 'a', false);
    outliers.failed(0, 'a', false);
    outliers.succeeded('a');
    for (let i = 0; i < 2; i++) outliers.failed(0, 'a', false);
    expect(outliers.healthy(1, all)).toEqual(all);
    outliers.failed(0, 'a', false);
    expect(outliers.healthy(1, all)).toEqual([b, c, d]);
  });

  it('are no larger a share than allowed as long as they take connections, the latest first', () => {
    const outliers = new Outliers({ failures: 1, maxShare: 0.5 });
    for (const [i, { address }] of [a, b, c].entries()) outliers.failed(i, address, false);
    expect(outliers.healthy(10, all)).toEqual([a, d]);
    for (const { address } of [a, b, c]) outliers.failed(10, address, true);
    expect(outliers.healthy(11, all)).toEqual([d]);
  });

  it('are used all the same when there is nobody else', () => {
    const outliers = new Outliers();
    for (const { address } of all) outliers.failed(0, address, true);
    expect(outliers.healthy(1, all)).toEqual(all);
  });

  it('are forgotten when they have gone', () => {
    const outliers = new Outliers();
    outliers.failed(0, 'a', true);
    outliers.retain([b]);
    expect(outliers.healthy(1, all)).toEqual(all);
  });
});

describe('the zone', () => {
  const near = endpoint('near', 'east');
  const spare = endpoint('spare', 'east', 0);
  const far = endpoint('far', 'west');

  it('of the caller is preferred as long as somebody in it may be picked', () => {
    expect(preferZone([near, far], 'east')).toEqual([near]);
    expect(preferZone([spare, far], 'east')).toEqual([spare, far]);
    expect(preferZone([far], 'east')).toEqual([far]);
    expect(preferZone([near, far], undefined)).toEqual([near, far]);
  });
});
