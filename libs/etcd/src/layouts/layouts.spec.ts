import * as fc from 'fast-check';
import { parseEndpoint } from '#model';
import { Malformed } from './layout.js';
import { type KeyedValue, Layouts, keyOf, publish } from './layouts.js';

const layouts = Layouts.of(['kitex', 'go-micro', 'go-zero']);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = ({ key, value }: KeyedValue): [string, string] => [
  new TextDecoder().decode(key),
  new TextDecoder().decode(value),
];

/** What is published for a key, and the key of that. */
function thereAndBack(key: string, value: string) {
  const published = publish(layouts.placeOf(bytes(key))!, bytes(value));
  return { published, back: text(keyOf(published, published.dataId)!) };
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
  it('of Kitex is an endpoint with its weight, its version and its tags', () => {
    const { published, back } = thereAndBack(KITEX.key, KITEX.value);
    expect(published).toEqual({
      dataId: 'user',
      data: ['tcp://10.0.0.7:8888?weight=10&version=1.2&idc=hl'],
      etcd: { style: 'kitex', key: KITEX.key },
    });
    expect(back).toEqual([KITEX.key, KITEX.value]);
  });

  it('of Kitex without a weight has the weight that Kitex gives it, and is as it was on the way back', () => {
    const value = '{"network":"tcp","address":"::1:8888","weight":0,"tags":null}';
    const { published, back } = thereAndBack('kitex/registry-etcd/user/::1:8888', value);
    expect(published).toMatchObject({ data: ['tcp://[::1]:8888?weight=10'], etcd: { value } });
    expect(back).toEqual(['kitex/registry-etcd/user/::1:8888', value]);
  });

  it('of go-micro is the endpoint of its node; the methods that it offers stand beside it', () => {
    const { published, back } = thereAndBack(MICRO.key, MICRO.value);
    expect(published).toMatchObject({
      dataId: 'user',
      data: ['grpc://10.0.0.7:4000?version=latest&server=grpc'],
      etcd: { style: 'go-micro', value: MICRO.value },
    });
    expect(back).toEqual([MICRO.key, MICRO.value]);
  });

  it('of go-zero is the endpoint of a gRPC server', () => {
    const { published, back } = thereAndBack(ZERO.key, ZERO.value);
    expect(published).toEqual({
      dataId: 'user.rpc',
      data: ['grpc://10.0.0.7:8080'],
      etcd: { style: 'go-zero', key: ZERO.key },
    });
    expect(back).toEqual([ZERO.key, ZERO.value]);
  });

  it('is to the byte what was put, whatever its JSON looks like', () => {
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
    const written = fc.tuple(fc.oneof(anyKitex, anyMicro), fc.constantFrom(undefined, 1, '\t'));
    fc.assert(
      fc.property(written, ([value, indent]) => {
        const key = 'network' in value ? KITEX.key : MICRO.key;
        const json = JSON.stringify(value, null, indent);
        const { published, back } = thereAndBack(key, json);
        expect(back).toEqual([key, json]);
        expect(published.data.map(parseEndpoint)).not.toContain(undefined);
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
  ])('with %s as its value is malformed', (_what, key, value) => {
    expect(() => publish(layouts.placeOf(bytes(key))!, bytes(value))).toThrow(Malformed);
  });

  it('whose value is no UTF-8 is malformed', () => {
    const place = layouts.placeOf(bytes(ZERO.key))!;
    expect(() => publish(place, Uint8Array.of(0xff, 0x3a, 0x38))).toThrow('it is no UTF-8');
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
    expect(layouts.placeOf(bytes(key))).toBeUndefined();
  });

  it('is of none where its service has a longer name than a dataId can have', () => {
    const key = (length: number) => bytes(`kitex/registry-etcd/${'a'.repeat(length)}/10.0.0.7:8888`);
    expect(layouts.placeOf(key(512))).toBeDefined();
    expect(layouts.placeOf(key(513))).toBeUndefined();
  });

  it('is of none where it is no UTF-8', () => {
    expect(layouts.placeOf(Uint8Array.of(0xff, 0x2f, 0x31))).toBeUndefined();
  });
});

describe('a native publication', () => {
  const keys = (...data: string[]) => layouts.keysOf('user', 'r/1', data).map(text);

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
    for (const { key, value } of layouts.keysOf('user', 'r1', [url])) {
      const published = publish(layouts.placeOf(key)!, value);
      expect(published).toMatchObject({ dataId: 'user', data: [expect.stringContaining('[2001:db8::7]:4000')] });
      expect(published.etcd.value).toBeUndefined();
    }
    const [kitex] = layouts.keysOf('user', 'r1', [url]);
    expect(publish(layouts.placeOf(kitex!.key)!, kitex!.value).data).toEqual([url]);
  });

  it('has a key for each of its endpoints, and none for what is no endpoint or not to be called', () => {
    const nodes = (data: string[]) => keys(...data).map(([key]) => key.slice(key.lastIndexOf('/') + 1));
    expect(nodes(['tcp://a:1', 'some text', 'http://b:2', 'tcp://c:3?weight=0'])).toEqual([
      ...['a:1', 'r-1', expect.stringMatching(/^\d+$/)],
      ...['b:2', 'r-1#2', expect.stringMatching(/^\d+$/)],
    ]);
  });

  it('tells Kitex its protocol as a tag where that is none of the network, and whole weights', () => {
    expect(JSON.parse(keys('http://a:1?weight=0.2')[0]![1])).toEqual({
      ...{ network: 'tcp', address: 'a:1', weight: 1 },
      tags: { protocol: 'http' },
    });
  });

  it('with a slash in its dataId is under no key, since its service would be read as another', () => {
    expect(layouts.keysOf('a/b', 'r1', ['tcp://a:1'])).toEqual([]);
  });
});

describe('the settings of layouts', () => {
  it('name prefixes of their own', () => {
    const own = Layouts.of(['kitex:my/prefix', 'go-zero:zero/']);
    expect(own.placeOf(bytes('my/prefix/user/a:1'))).toMatchObject({ service: 'user', node: 'a:1' });
    expect(own.placeOf(bytes('zero/user.rpc/12'))).toMatchObject({ service: 'user.rpc', node: '12' });
    expect(own.placeOf(bytes(KITEX.key))).toBeUndefined();
    expect(own.placeOf(bytes(ZERO.key))).toBeUndefined();
  });

  it.each([
    [['consul'], 'consul is none of the known layouts: kitex, go-micro, go-zero'],
    [['kitex:a', 'go-micro:a/b'], '"a/b/" begins with the prefix of another layout'],
    [['kitex', 'kitex'], '"kitex/registry-etcd/" begins with the prefix of another layout'],
  ])('%j are refused', (names, message) => {
    expect(() => Layouts.of(names)).toThrow(message);
  });
});
