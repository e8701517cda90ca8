import * as fc from 'fast-check';
import { type Endpoint, formatEndpoint, parseEndpoint } from './endpoint.js';

describe('the URL of an endpoint', () => {
  it('tells protocol, host, port, weight, version and whatever else', () => {
    expect(parseEndpoint('tcp://10.0.0.1:81?weight=5&version=1.2&k=a+b%26')).toEqual({
      ...{ protocol: 'tcp', host: '10.0.0.1', port: 81, weight: 5, version: '1.2' },
      parameters: { k: 'a b&' },
    });
    expect(parseEndpoint('HTTP://[::1]:80/api/v1')).toEqual({
      ...{ protocol: 'http', host: '::1', port: 80, path: '/api/v1', weight: 1, parameters: {} },
    });
    expect(parseEndpoint('http://a:80/')).toEqual({ protocol: 'http', host: 'a', port: 80, weight: 1, parameters: {} });
  });

  it.each(['', 'nonsense', 'tcp://a', 'tcp://:1', 'tcp://a:0', 'tcp://a:99999', '://a:1', 'tcp://a:1 ', 'tcp://a:1#x'])(
    'is not %j',
    (text) => {
      expect(parseEndpoint(text)).toBeUndefined();
    },
  );

  it('has weight 1 where the weight is missing or absurd, and bounds it', () => {
    const weightOf = (weight: string): number => parseEndpoint(`tcp://a:1?weight=${weight}`)!.weight;
    expect(['x', '-4', '', 'NaN', 'Infinity'].map(weightOf)).toEqual([1, 1, 1, 1, 1]);
    expect(['1e9', '0', '2.5'].map(weightOf)).toEqual([1_000, 0, 2.5]);
  });

  it('takes the first of several values, and no name of a parameter means anything to JavaScript', () => {
    const { parameters } = parseEndpoint('tcp://a:1?k=1&k=2&__proto__=x&constructor=y')!;
    expect(Object.entries(parameters)).toEqual([
      ['k', '1'],
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('is refused for what has none', () => {
    for (const wrong of [{ host: '' }, { port: 0 }, { weight: -1 }, { weight: 2_000 }, { path: 'x' }, { host: 'a b' }])
      expect(() => formatEndpoint({ protocol: 'tcp', host: 'a', port: 1, ...wrong })).toThrow(
        expect.objectContaining({ code: 'BAD_REQUEST' }),
      );
  });
});

const hosts = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
const texts = fc.string({ unit: 'grapheme' });
const endpoints = fc.record(
  {
    protocol: fc.constantFrom('tcp', 'http', 'grpc', 'a+b.c-d'),
    host: hosts,
    port: fc.integer({ min: 1, max: 65_535 }),
    path: fc.webPath().filter((path) => path.length > 1),
    weight: fc.oneof(fc.nat(1_000), fc.double({ min: 0, max: 1_000, noNaN: true })),
    version: texts,
    parameters: fc.dictionary(
      texts.filter((key) => key !== 'weight' && key !== 'version'),
      texts,
    ),
  },
  { requiredKeys: ['protocol', 'host', 'port', 'weight', 'parameters'] },
) as fc.Arbitrary<Endpoint>;

it('every endpoint is read from its URL as it was', () => {
  fc.assert(
    fc.property(endpoints, (endpoint) => {
      const read = parseEndpoint(formatEndpoint(endpoint))!;
      const { parameters, weight, ...rest } = read;
      expect(rest).toEqual({ ...endpoint, parameters: undefined, weight: undefined });
      // Minus zero has the same URL as zero.
      expect(weight === endpoint.weight).toBe(true);
      expect(Object.entries(parameters).toSorted()).toEqual(Object.entries(endpoint.parameters).toSorted());
    }),
  );
});

describe('whatever string', () => {
  const pieces = [
    'tcp',
    '://',
    'a',
    ':',
    '80',
    '?',
    'weight=',
    'version=',
    '&',
    '[',
    ']',
    '%',
    '%zz',
    '/',
    '=',
    '#',
    '+',
    ' ',
  ];
  const tail = fc.array(fc.constantFrom(...pieces)).map((parts) => parts.join(''));
  const given = fc.oneof(
    fc.string({ unit: 'binary' }),
    tail,
    tail.map((text) => `tcp://a:80${text}`),
    fc.string({ unit: 'binary' }).map((text) => `tcp://a:80?${text}`),
  );

  it('makes nothing throw', () => {
    fc.assert(
      fc.property(given, (text) => {
        expect(() => parseEndpoint(text)).not.toThrow();
      }),
    );
  });

  it('is written again, where it is an endpoint, as one that reads the same', () => {
    const endpointsOnly = given.map((text) => parseEndpoint(text)).filter((endpoint) => endpoint !== undefined);
    fc.assert(
      fc.property(endpointsOnly, (endpoint) => {
        expect(parseEndpoint(formatEndpoint(endpoint))).toEqual(endpoint);
      }),
    );
  });
});
