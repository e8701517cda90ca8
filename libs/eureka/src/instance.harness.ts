import * as fc from 'fast-check';
import { DATA_CENTERS, type Instance, STATUSES, TEXT_FIELDS } from './instance.js';
import { readInstance } from './read-instance.js';

/** What `eureka-js-client` and Spring send, but for what the test is about. */
export function body(fields: object = {}): Record<string, unknown> {
  return {
    instanceId: 'host-1:user:8080',
    hostName: 'host-1',
    app: 'USER',
    ipAddr: '10.0.0.1',
    status: 'UP',
    port: { $: 8080, '@enabled': 'true' },
    securePort: { $: 443, '@enabled': 'false' },
    dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
    vipAddress: 'user',
    ...fields,
  };
}

export function instance(fields: object = {}): Instance {
  return readInstance(body(fields));
}

/** What XML can write. */
const word = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(...'abcXYZ019 _-$.:&<>"\'/é\n\u{1f600}') });
const port = fc.record({ number: fc.nat(65_535), isEnabled: fc.boolean() });
const time = fc.nat();
const metadata = fc
  .dictionary(
    word.filter((key) => key !== '@class'),
    word,
    { maxKeys: 4 },
  )
  .map((map) => ({ ...map }));

export const anyInstance: fc.Arbitrary<Instance> = fc
  .record({
    ...{ instanceId: word, hostName: word, ipAddr: word, app: word.map((name) => name.toUpperCase()) },
    ...{ status: fc.constantFrom(...STATUSES), overriddenStatus: fc.constantFrom(...STATUSES) },
    ...{ port, securePort: port, countryId: fc.nat(), metadata },
    dataCenterInfo: fc.record({ name: fc.constantFrom(...DATA_CENTERS) }),
    leaseInfo: fc.record({
      ...{ renewalIntervalInSecs: fc.integer({ min: 1, max: 999 }), durationInSecs: fc.integer({ min: 1, max: 999 }) },
      ...{ registrationTimestamp: time, lastRenewalTimestamp: time, evictionTimestamp: time, serviceUpTimestamp: time },
    }),
    texts: fc.record(Object.fromEntries(TEXT_FIELDS.map((field) => [field, word])), { requiredKeys: [] }),
    isCoordinatingDiscoveryServer: fc.boolean(),
    ...{ lastUpdatedTimestamp: time, lastDirtyTimestamp: time },
    actionType: fc.constantFrom('ADDED' as const, 'MODIFIED' as const),
  })
  .map((each) => ({ ...each, reportedStatus: each.status }));
