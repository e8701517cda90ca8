import * as fc from 'fast-check';
import { parseEndpoint, toDataInfoId } from '#model';
import { toKey } from '../bytes.js';
import { dataOf, placeOf } from '../placement.js';
import { type KeyedValue, Layouts } from './layouts.js';

const malformed: string[] = [];
const make = (names: string[]) => Layouts.of(names, (key, why) => void malformed.push(`${key}: ${why}`));
const layouts = make(['kitex', 'go-micro', 'go-zero']);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const keyOf = (text: string): string => toKey(bytes(text));
const text = ({ key, value }: KeyedValue): [string, string] => [
  new TextDecoder().decode(key),
  new TextDecoder().decode(value),
];

/** The service of a key; undefined for one of no layout. */
function serviceOf(key: string, within = layouts): string | undefined {
  const { dataInfoId, ownId } = placeOf(keyOf(key), within.keyLayouts)!;
  const [dataId, , group] = dataInfoId.split('#@#');
  if (group !== 'DEFAULT_GROUP') return undefined;
  expect(ownId).toBe(`k~${key}`);
  return dataId;
}

function endpointsOf(key: string, value: string | Uint8Array): string[] {
  return dataOf(keyOf(key), typeof value === 'string' ? bytes(value) : value, layouts.keyLayouts);
}

const KITEX = {
  key: 'kitex/registry-etcd/user/10.0.0.7:8888',
  value: '{"network":"tcp","address":"10.0.0.7:8888","weight":10,"tags":{"idc":"hl","version":"1.2"}}',
};
const MICRO = {
  key: '/micro/registry/user/user-1',
  value:
    '{"name":"user","version":"latest","metadata":null,"endpoints":[{"request":null,"response":null,"metadata":{},"name":"User.Get"}],' +
    '"nodes":[{"metadata":{"protocol":"grpc","server":"grpc"},"id":"user-1","address":"10.0.0.7:4000"}]}',
};
const ZERO = { key: 'user.rpc/7587862094530485764', value: '10.0.0.7:8080' };

describe('a key of a known layout', () => {
  it('is kept in the datum of its service, where native subscribers look for it', () => {
    expect(placeOf(keyOf(KITEX.key), layouts.keyLayouts)).toEqual({
      dataInfoId: toDataInfoId({ dataId: 'user', group: 'DEFAULT_GROUP', instanceId: 'DEFAULT_INSTANCE_ID' }),
      ownId: `k~${KITEX.key}`,
    });
    expect([KITEX, MICRO, ZERO].map(({ key }) => serviceOf(key))).toEqual(['user', 'user', 'user.rpc']);
  });

  it('of Kitex is an endpoint with its weight, its version and its tags', () => {
    expect(endpointsOf(KITEX.key, KITEX.value)).toEqual(['tcp://10.0.0.7:8888?weight=10&version=1.2&idc=hl']);
  });

  it('of Kitex without a weight has the weight that Kitex gives it', () => {
    const value = '{"network":"tcp","address":"::1:8888","weight":0,"tags":null}';
    expect(endpointsOf('kitex/registry-etcd/user/::1:8888', value)).toEqual(['tcp://[::1]:8888?weight=10']);
  });

  it('of go-micro is the endpoint of its node', () => {
    expect(endpointsOf(MICRO.key, MICRO.value)).toEqual(['grpc://10.0.0.7:4000?version=latest&server=grpc']);
  });

  it('of go-zero is the endpoint of a gRPC server', () => {
    expect(endpointsOf(ZERO.key, ZERO.value)).toEqual(['grpc://10.0.0.7:8080']);
  });

  it('is an endpoint that everybody can read, whatever stands in its JSON', () => {
    const anyKitex = fc.record(
      {
        network: fc.constantFrom('tcp', 'udp', 'tcp6'),
        address: fc.constantFrom('10.0.0.7:1', '[::1]:65535', 'host.name:80'),
        weight: fc.integer({ min: -5, max: 2_000 }),
        tags: fc.oneof(fc.constant(null), fc.dictionary(fc.string(), fc.string())),
        other: fc.jsonValue(),
      },
      { requiredKeys: ['network', 'address'] },
    );
    const anyMicro = fc.record({
      name: fc.string(),
      version: fc.string(),
      endpoints: fc.jsonValue(),
      nodes: fc.tuple(
        fc.record({
          id: fc.string(),
          address: fc.constantFrom('10.0.0.7:1', '[::1]:65535'),
          metadata: fc.dictionary(fc.string(), fc.string()),
        }),
      ),
    });
    fc.assert(
      fc.property(fc.oneof(anyKitex, anyMicro), (value) => {
        const endpoints = endpointsOf('network' in value ? KITEX.key : MICRO.key, JSON.stringify(value));
        expect(endpoints).toHaveLength(1);
        expect(parseEndpoint(endpoints[0]!)).toBeDefined();
      }),
    );
  });

  it.each([
    ['no JSON', KITEX.key, '{"network":"tcp"'],
    ['a list', KITEX.key, '[]'],
    ['null', KITEX.key, 'null'],
    ['no address', KITEX.key, '{"network":"tcp"}'],
    ['a port that is none', KITEX.key, '{"network":"tcp","address":"10.0.0.7:99999"}'],
    ['a socket of a file', KITEX.key, '{"network":"unix","address":"/tmp/user.sock","weight":10}'],
    ['a weight that is text', KITEX.key, '{"network":"tcp","address":"10.0.0.7:1","weight":"10"}'],
    ['tags that are numbers', KITEX.key, '{"network":"tcp","address":"10.0.0.7:1","tags":{"a":1}}'],
    ['no nodes', MICRO.key, '{"name":"user","nodes":[]}'],
    ['a node that is a string', MICRO.key, '{"name":"user","nodes":["n"]}'],
    ['nothing', ZERO.key, ''],
    ['an address without a port', ZERO.key, '10.0.0.7'],
  ])('with %s as its value is no endpoint, and said to be none', (_what, key, value) => {
    malformed.length = 0;
    expect(serviceOf(key)).toBeDefined();
    expect(endpointsOf(key, value)).toEqual([]);
    expect(malformed).toEqual([expect.stringMatching(/: .+/)]);
  });

  it('whose value is no UTF-8 is no endpoint', () => {
    malformed.length = 0;
    expect(endpointsOf(ZERO.key, Uint8Array.of(0xff, 0x3a, 0x38))).toEqual([]);
    expect(malformed).toEqual([`${ZERO.key}: it is no UTF-8`]);
  });
});

describe('any other key', () => {
  it.each([
    'kitex/registry-etcd/user',
    'kitex/registry-etcd/user/',
    'kitex/registry-etcd//10.0.0.7:8888',
    'kitex/registry-etcd/user/v2/10.0.0.7:8888',
    'kitex/registry-etcd/a#@#b/10.0.0.7:8888',
    '/kitex/registry-etcd/user/10.0.0.7:8888',
    'user.rpc/not-a-number',
    'user.rpc/9223372036854775808',
    'user.rpc',
    '/a/b',
  ])('%s is of none', (key) => {
    expect(serviceOf(key)).toBeUndefined();
  });

  it('is of none where its service has a longer name than a dataId can have', () => {
    const key = (length: number) => `kitex/registry-etcd/${'a'.repeat(length)}/10.0.0.7:8888`;
    const [layout] = make(['kitex']).keyLayouts;
    expect([512, 513].map((length) => layout!.placeOf(keyOf(key(length))) !== undefined)).toEqual([true, false]);
  });

  it('is of none where it is no UTF-8', () => {
    const key = toKey(Uint8Array.of(0xff, 0x2f, 0x31));
    expect(layouts.keyLayouts.map((layout) => layout.placeOf(key))).toEqual([undefined, undefined, undefined]);
  });
});

describe('a native publication', () => {
  const DIRECTORIES = ['kitex/registry-etcd/user/', '/micro/registry/user/', 'user/'];
  const serviceIn = (key: string, end: string) => layouts.serviceWithin({ key: keyOf(key), end: keyOf(end) });
  const keysOf = (registerId: string, data: string[]) =>
    DIRECTORIES.flatMap((directory) => serviceIn(directory, `${directory.slice(0, -1)}0`)!.keysOf(registerId, data));
  const keys = (...data: string[]) => keysOf('r/1', data).map(text);

  it('is under the keys of each layout', () => {
    expect(keys('tcp://10.0.0.7:4000?weight=10&version=1.2&idc=hl')).toEqual([
      ['kitex/registry-etcd/user/10.0.0.7:4000', KITEX.value.replaceAll('8888', '4000')],
      [
        '/micro/registry/user/r-1',
        '{"name":"user","version":"1.2","metadata":null,"endpoints":null,' +
          '"nodes":[{"metadata":{"idc":"hl","protocol":"tcp"},"id":"r-1","address":"10.0.0.7:4000"}]}',
      ],
      [expect.stringMatching(/^user\/\d{1,19}$/), '10.0.0.7:4000'],
    ]);
  });

  it('is what its endpoints say wherever it is read from such a key', () => {
    const url = 'tcp://[2001:db8::7]:4000?weight=10&version=1.2&idc=a%2Fb%3C';
    const read = keysOf('r1', [url]).map((each) => {
      const [key, value] = text(each);
      expect(serviceOf(key)).toBe('user');
      return endpointsOf(key, value);
    });
    expect(read).toEqual([[url], ['tcp://[2001:db8::7]:4000?version=1.2&idc=a%2Fb%3C'], ['grpc://[2001:db8::7]:4000']]);
  });

  it('has a key for each of its endpoints, and none for what is no endpoint or not to be called', () => {
    const nodes = keys('tcp://a:1', 'some text', 'http://b:2', 'tcp://c:3?weight=0').map(([key]) =>
      key.slice(key.lastIndexOf('/') + 1),
    );
    const number = expect.stringMatching(/^\d+$/);
    expect(nodes).toEqual(['a:1', 'b:2', 'r-1', 'r-1#2', number, number]);
  });

  it('tells Kitex its protocol as a tag where that is none of the network, and whole weights', () => {
    expect(JSON.parse(keys('http://a:1?weight=0.2')[0]![1])).toEqual({
      ...{ network: 'tcp', address: 'a:1', weight: 1 },
      tags: { protocol: 'http' },
    });
  });

  it.each([
    ['kitex/registry-etcd/user/a:1', '', 'user'],
    ['kitex/registry-etcd/user/', 'kitex/registry-etcd/user/b', 'user'],
    ['kitex/registry-etcd/ü/', 'kitex/registry-etcd/ü0', 'ü'],
    ['/micro/registry/user/', '/micro/registry/user0', 'user'],
    ['kitex/registry-etcd/user', 'kitex/registry-etcd/usf', undefined],
    ['kitex/registry-etcd/user/', 'kitex/registry-etcd/user1', undefined],
    ['kitex/registry-etcd/user/', '\0', undefined],
    ['kitex/registry-etcd/', 'kitex/registry-etcd0', undefined],
    ['app', '', undefined],
  ])('is looked for where a range is of one service alone: %j to %j', (key, end, dataId) => {
    const within = make(['kitex', 'go-micro']).serviceWithin({ key: keyOf(key), end: keyOf(end) });
    expect(within?.dataId).toBe(dataId);
  });
});

describe('the settings of layouts', () => {
  it('name prefixes of their own', () => {
    const own = make(['kitex:my/prefix', 'go-zero:zero/']);
    const keys = ['my/prefix/user/a:1', 'zero/user.rpc/12', KITEX.key, ZERO.key];
    expect(keys.map((key) => serviceOf(key, own))).toEqual(['user', 'user.rpc', undefined, undefined]);
  });

  it.each([
    [['consul'], 'consul is none of the known layouts: kitex, go-micro, go-zero'],
    [['kitex:a', 'go-micro:a/b'], '"a/b/" begins with the prefix of another layout'],
    [['kitex', 'kitex'], '"kitex/registry-etcd/" begins with the prefix of another layout'],
  ])('%j are refused', (names, message) => {
    expect(() => make(names)).toThrow(message);
  });
});
