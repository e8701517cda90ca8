import * as fc from 'fast-check';
import { leasedRegisterId, toDataInfoId } from '#model';
import { appNameOf } from './app-name.js';
import { hashCodeOf } from './hash-code.js';
import type { Instance } from './instance.js';
import { anyInstance, instance } from './instance.harness.js';
import { type Publisher, ownIdOf, registeredInstance, toInstances, toPublication } from './publication.js';

/** As the servers hand it on: what it says of itself, under its canonical id. */
function published(each: Instance, dataId: string): Publisher {
  const { registerId, zone = 'DEFAULT_ZONE', ...content } = toPublication(each);
  const name = { dataId, group: 'DEFAULT_GROUP', instanceId: 'DEFAULT_INSTANCE_ID' };
  return { ...content, zone, registerId: leasedRegisterId(toDataInfoId(name), registerId), registerTimestamp: 1 };
}

const native = (data: string[], fields: object = {}): Publisher => ({
  ...{ registerId: 'r1', zone: 'east', registerTimestamp: 42, data },
  ...fields,
});

describe('an instance of Eureka', () => {
  it('is published as the endpoints that it has, with everything that it has told beside them', () => {
    const user = instance({
      securePort: { $: 8443, '@enabled': 'true' },
      metadata: { zone: 'east', version: '1.2', weight: '5', k: 'a b' },
    });
    expect(toPublication(user)).toMatchObject({
      registerId: 'eureka:host-1:user:8080',
      data: [
        'http://host-1:8080?weight=5&version=1.2&zone=east&k=a+b',
        'https://host-1:8443?weight=5&version=1.2&zone=east&k=a+b',
      ],
      ...{ appName: 'USER', zone: 'east' },
      eureka: { instanceId: 'host-1:user:8080', app: 'USER' },
    });
  });

  it.each(['DOWN', 'STARTING', 'OUT_OF_SERVICE', 'UNKNOWN'])('has no endpoint while it is %s', (status) => {
    expect(toPublication(instance({ status })).data).toEqual([]);
  });

  it('has none where its host makes no URL, or a weight that is none', () => {
    expect(toPublication(instance({ hostName: 'no host' })).data).toEqual([]);
    expect(toPublication(instance({ metadata: { weight: 'much' } })).data).toEqual(['http://host-1:8080']);
  });

  it('comes back as it was, whatever it is', () => {
    fc.assert(
      fc.property(anyInstance, fc.string({ unit: 'binary', minLength: 1 }), (each, dataId) => {
        const own = { ...each, app: appNameOf(dataId) };
        expect(toInstances(dataId, published(own, dataId))).toEqual([own]);
      }),
    );
  });

  it('remembers what it said of itself while somebody has set its status', () => {
    const each: Instance = { ...instance(), status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE' };
    expect(registeredInstance('user', published(each, 'user'))).toMatchObject({
      ...{ status: 'OUT_OF_SERVICE', reportedStatus: 'UP' },
    });
  });

  it('is not believed under another name, or under the id of somebody else', () => {
    const each = published(instance(), 'user');
    expect(registeredInstance('user', each)).toBeDefined();
    expect(registeredInstance('other', each)).toBeUndefined();
    expect(registeredInstance('user', { ...each, registerId: 'L.x.eureka:another' })).toBeUndefined();
    expect(registeredInstance('user', { ...each, registerId: ownIdOf('host-1:user:8080') })).toBeUndefined();
    for (const eureka of ['x', {}, { ...instance(), hostName: 4 }, null])
      expect(registeredInstance('user', { ...each, eureka })).toBeUndefined();
    expect(toInstances('other', each)).toMatchObject([{ app: 'OTHER', hostName: 'host-1' }]);
  });
});

describe('what is published by others', () => {
  it('is an instance for each endpoint', () => {
    const [first, second, ...none] = toInstances(
      'UserService',
      native(['tcp://10.0.0.7:4000?weight=10&version=1.2&k=v', 'nonsense', 'https://[::1]:444/api']),
    );
    expect(none).toEqual([]);
    expect(first).toMatchObject({
      ...{ instanceId: 'r1', app: '~USER~SERVICE', hostName: '10.0.0.7', ipAddr: '10.0.0.7', status: 'UP' },
      ...{ port: { number: 4000, isEnabled: true }, securePort: { isEnabled: false } },
      ...{ dataCenterInfo: { name: 'MyOwn' }, lastUpdatedTimestamp: 42, lastDirtyTimestamp: 42 },
      metadata: { protocol: 'tcp', zone: 'east', weight: '10', version: '1.2', k: 'v' },
      texts: { vipAddress: 'UserService', secureVipAddress: 'UserService' },
    });
    expect(first!.texts.homePageUrl).toBeUndefined();
    expect(second).toMatchObject({
      ...{ instanceId: 'r1#2', hostName: '::1', port: { isEnabled: false } },
      securePort: { number: 444, isEnabled: true },
      texts: { homePageUrl: 'https://[::1]:444/api' },
    });
  });

  it('is none where there is no endpoint, and out of service where it is to be sent nothing', () => {
    expect(toInstances('flags', native(['on', '{"a":1}']))).toEqual([]);
    expect(hashCodeOf(toInstances('user', native(['tcp://a:1?weight=0'])))).toBe('OUT_OF_SERVICE_1_');
  });
});
