import { type Application, type Applications, type Instance, type Port, TEXT_FIELDS } from './instance.js';

const DEFAULT_DATA_CENTER_CLASS = 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo';
const AMAZON_CLASS = 'com.netflix.appinfo.AmazonInfo';
/** How Eureka's clients in Java read an empty map. */
export const EMPTY_MAP_CLASS = 'java.util.Collections$EmptyMap';

/** What `X-Eureka-Accept: compact` leaves, beside the ports. */
export const COMPACT_FIELDS: ReadonlySet<string> = new Set([
  ...['instanceId', 'app', 'ipAddr', 'vipAddress', 'secureVipAddress', 'dataCenterInfo', 'hostName', 'status'],
  ...['actionType', 'asgName', 'lastUpdatedTimestamp', 'port', 'securePort'],
]);

export function dataCenterClass(name: string): string {
  return name === 'Amazon' ? AMAZON_CLASS : DEFAULT_DATA_CENTER_CLASS;
}

/** The instance as Eureka's JSON has it, types included: some of its numbers are strings. */
export function instanceObject(instance: Instance): Record<string, unknown> {
  const { dataCenterInfo, metadata, texts } = instance;
  return {
    instanceId: instance.instanceId,
    hostName: instance.hostName,
    app: instance.app,
    ipAddr: instance.ipAddr,
    status: instance.status,
    overriddenStatus: instance.overriddenStatus,
    port: portObject(instance.port),
    securePort: portObject(instance.securePort),
    countryId: instance.countryId,
    dataCenterInfo: {
      '@class': dataCenterClass(dataCenterInfo.name),
      name: dataCenterInfo.name,
      ...(dataCenterInfo.metadata ? { metadata: { ...dataCenterInfo.metadata } } : {}),
    },
    leaseInfo: { ...instance.leaseInfo },
    metadata: Object.keys(metadata).length === 0 ? { '@class': EMPTY_MAP_CLASS } : { ...metadata },
    ...Object.fromEntries(
      TEXT_FIELDS.filter((field) => texts[field] !== undefined).map((field) => [field, texts[field]]),
    ),
    isCoordinatingDiscoveryServer: String(instance.isCoordinatingDiscoveryServer),
    lastUpdatedTimestamp: String(instance.lastUpdatedTimestamp),
    lastDirtyTimestamp: String(instance.lastDirtyTimestamp),
    actionType: instance.actionType,
  };
}

export function instanceJson(instance: Instance): string {
  return `{"instance":${text(instance, false)}}`;
}

export function applicationJson(application: Application, isCompact: boolean): string {
  return `{"application":${bareApplication(application, isCompact)}}`;
}

export function applicationsJson({ versionsDelta, hashCode, applications }: Applications, isCompact: boolean): string {
  const list = applications.map((application) => bareApplication(application, isCompact)).join(',');
  return (
    `{"applications":{"versions__delta":"${versionsDelta}","apps__hashcode":"${hashCode}",` +
    `"application":[${list}]}}`
  );
}

function bareApplication({ name, instances }: Application, isCompact: boolean): string {
  const list = instances.map((instance) => text(instance, isCompact)).join(',');
  return `{"name":${JSON.stringify(name)},"instance":[${list}]}`;
}

/** An instance is written once for all answers that it is in: after a change only that of few is made anew. */
const whole = new WeakMap<Instance, string>();
const compact = new WeakMap<Instance, string>();

function text(instance: Instance, isCompact: boolean): string {
  const written = isCompact ? compact : whole;
  let json = written.get(instance);
  if (json === undefined) {
    const fields = Object.entries(instanceObject(instance)).filter(([name]) => !isCompact || COMPACT_FIELDS.has(name));
    json = JSON.stringify(Object.fromEntries(fields));
    written.set(instance, json);
  }
  return json;
}

function portObject({ number, isEnabled }: Port): object {
  return { $: number, '@enabled': String(isEnabled) };
}
