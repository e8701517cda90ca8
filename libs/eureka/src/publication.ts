import { type Endpoint, type PublisherView, formatEndpoint, isPlainObject, parseEndpoint } from '#model';
import { appNameOf } from './app-name.js';
import { DEFAULTS, type Instance } from './instance.js';
import { Unreadable, readInstance, statusOf } from './read-instance.js';
import { instanceObject } from './write-json.js';

/** Begins the ids of registrations that came over Eureka, so that no other publication is taken for one. */
const OWN_ID = 'eureka:';

/** The field of a publication, beside its data, that holds all that Eureka was told. */
export const EUREKA_FIELD = 'eureka';

/** Within it, what the instance says of itself while somebody has set its status. */
const REPORTED = 'reportedStatus';

/** The registerId, within its dataId, of an instance that registers over Eureka. */
export function ownIdOf(instanceId: string): string {
  return `${OWN_ID}${instanceId}`;
}

/** What is published for an instance. `zone` and `version` of its metadata have a place of their own. */
export interface Published {
  registerId: string;
  data: string[];
  appName: string;
  zone?: string;
  [EUREKA_FIELD]: object;
}

/**
 * An instance that registers over Eureka as it is published: where it is UP the URLs of its endpoints, so that everybody calls it,
 * else none; and beside them everything that it has told.
 */
export function toPublication(instance: Instance): Published {
  const zone = instance.metadata['zone'] ?? instance.dataCenterInfo.metadata?.['availability-zone'];
  return {
    registerId: ownIdOf(instance.instanceId),
    data: instance.status === 'UP' ? endpointsOf(instance) : [],
    appName: instance.app,
    ...(zone ? { zone } : {}),
    [EUREKA_FIELD]: { ...instanceObject(instance), [REPORTED]: instance.reportedStatus },
  };
}

function endpointsOf({ hostName, port, securePort, metadata }: Instance): string[] {
  const { weight, version, ...parameters } = metadata;
  const rest = { ...(version === undefined ? {} : { version }), ...weightOf(weight), parameters };
  const ports = [
    ['http', port],
    ['https', securePort],
  ] as const;
  return ports
    .filter(([, { isEnabled }]) => isEnabled)
    .flatMap(([protocol, { number }]) => endpoint({ protocol, host: hostName, port: number, ...rest }));
}

/** None where the name of the host or the port has no URL. */
function endpoint(parts: Parameters<typeof formatEndpoint>[0]): string[] {
  try {
    return [formatEndpoint(parts)];
  } catch {
    return [];
  }
}

function weightOf(text: string | undefined): { weight?: number } {
  const weight = parseEndpoint(`http://any:1?${new URLSearchParams({ weight: text ?? '' }).toString()}`)?.weight;
  return weight === undefined ? {} : { weight };
}

/** The fields of a publication that are read here. */
export type Publisher = Pick<PublisherView, 'registerId' | 'zone' | 'registerTimestamp' | 'data'> &
  Readonly<Record<string, unknown>>;

/** What Eureka's clients are shown of a publication: what it told Eureka, or an instance for each of its endpoints. */
export function toInstances(dataId: string, publisher: Publisher): Instance[] {
  const own = registeredInstance(dataId, publisher);
  if (own) return [own];
  return publisher.data.flatMap((text, index) => {
    const endpoint = parseEndpoint(text);
    return endpoint ? [synthesized(dataId, publisher, endpoint, index)] : [];
  });
}

/** The instance that registered over Eureka; undefined for whatever else is published. */
export function registeredInstance(dataId: string, publisher: Publisher): Instance | undefined {
  const told = publisher[EUREKA_FIELD];
  if (!isPlainObject(told)) return undefined;
  try {
    const instance = readInstance(told);
    // Anybody can publish such a field. What it says of another application, or under the id of another, is not believed.
    const isOwn =
      instance.app === appNameOf(dataId) && publisher.registerId.endsWith(`.${ownIdOf(instance.instanceId)}`);
    return isOwn ? { ...instance, reportedStatus: statusOf(told[REPORTED]) } : undefined;
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

function synthesized(dataId: string, publisher: Publisher, endpoint: Endpoint, index: number): Instance {
  const { protocol, host, port, path = '/', weight, version, parameters } = endpoint;
  const { registerId, zone, registerTimestamp } = publisher;
  const isSecure = protocol === 'https';
  const isWeb = isSecure || protocol === 'http';
  const own = { number: port, isEnabled: true };
  // Of weight 0, it is not to be sent anything.
  const status = weight === 0 ? 'OUT_OF_SERVICE' : 'UP';
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    instanceId: index === 0 ? registerId : `${registerId}#${index}`,
    app: appNameOf(dataId),
    ...{ hostName: host, ipAddr: host },
    ...{ status, reportedStatus: status },
    overriddenStatus: 'UNKNOWN',
    port: isSecure ? { ...DEFAULTS.port, isEnabled: false } : own,
    securePort: isSecure ? own : { ...DEFAULTS.securePort },
    countryId: DEFAULTS.countryId,
    dataCenterInfo: { name: 'MyOwn' },
    leaseInfo: {
      ...{ renewalIntervalInSecs: DEFAULTS.renewalIntervalInSecs, durationInSecs: DEFAULTS.durationInSecs },
      ...{ registrationTimestamp: registerTimestamp, lastRenewalTimestamp: registerTimestamp },
      ...{ evictionTimestamp: 0, serviceUpTimestamp: registerTimestamp },
    },
    metadata: {
      ...parameters,
      ...{ protocol, zone },
      ...(weight === 1 ? {} : { weight: String(weight) }),
      ...(version === undefined ? {} : { version }),
    },
    texts: {
      ...(isWeb ? { homePageUrl: `${protocol}://${authority}${path}` } : {}),
      ...{ vipAddress: dataId, secureVipAddress: dataId },
    },
    isCoordinatingDiscoveryServer: false,
    ...{ lastUpdatedTimestamp: registerTimestamp, lastDirtyTimestamp: registerTimestamp },
    actionType: 'ADDED',
  };
}
