import { isPlainObject } from '#model';
import {
  DATA_CENTERS,
  DEFAULTS,
  type DataCenterInfo,
  type Instance,
  type LeaseInfo,
  type Port,
  STATUSES,
  type Status,
  TEXT_FIELDS,
  type TextField,
} from './instance.js';

/** Why something is no instance, in Eureka's words where it has any. */
export class Unreadable extends Error {}

type Fields = Record<string, unknown>;

/**
 * An instance in the shape that Eureka's JSON gives it. As lenient as Eureka: unknown fields are passed over, numbers may be
 * strings, and what is left out has the default of Eureka's own classes.
 * @throws Unreadable
 */
export function readInstance(value: unknown): Instance {
  if (!isPlainObject(value)) throw new Unreadable('cannot parse request body');
  const hostName = text(value, 'hostName') ?? '';
  const dataCenterInfo = readDataCenter(value['dataCenterInfo']);
  // Clients of old name no instance; its machine is then the name.
  const instanceId = text(value, 'instanceId') ?? dataCenterInfo?.metadata?.['instance-id'] ?? hostName;
  const app = text(value, 'app')?.toUpperCase();
  const ipAddr = text(value, 'ipAddr');
  if (instanceId === '') throw new Unreadable('Missing instanceId');
  if (hostName === '') throw new Unreadable('Missing hostname');
  if (ipAddr === undefined) throw new Unreadable('Missing ip address');
  if (app === undefined) throw new Unreadable('Missing appName');
  if (!dataCenterInfo) throw new Unreadable('Missing dataCenterInfo');
  const status = value['status'] === undefined ? 'UP' : statusOf(value['status']);
  return {
    ...{ instanceId, app, hostName, ipAddr, dataCenterInfo },
    ...{ status, reportedStatus: status },
    overriddenStatus: statusOf(value['overriddenStatus'] ?? value['overriddenstatus']),
    port: readPort(value['port'], DEFAULTS.port),
    securePort: readPort(value['securePort'], DEFAULTS.securePort),
    countryId: whole(value['countryId'], DEFAULTS.countryId),
    leaseInfo: readLease(value['leaseInfo']),
    metadata: readMap(value['metadata']),
    texts: readTexts(value),
    isCoordinatingDiscoveryServer: isTrue(value['isCoordinatingDiscoveryServer']),
    lastUpdatedTimestamp: whole(value['lastUpdatedTimestamp'], 0),
    lastDirtyTimestamp: whole(value['lastDirtyTimestamp'], 0),
    // Nobody registers what is deleted.
    actionType: value['actionType'] === 'MODIFIED' ? 'MODIFIED' : 'ADDED',
  };
}

/** What is no status counts as UNKNOWN. */
export function statusOf(value: unknown): Status {
  return STATUSES.find((status) => status === value) ?? 'UNKNOWN';
}

function readDataCenter(value: unknown): DataCenterInfo | undefined {
  if (!isPlainObject(value)) return undefined;
  const given = text(value, 'name');
  if (given === undefined) throw new Unreadable('Missing dataCenterInfo Name');
  const name = DATA_CENTERS.find((each) => each === given);
  if (!name) throw new Unreadable(`dataCenterInfo has the name ${given}; it must be ${DATA_CENTERS.join(', ')}.`);
  const metadata = readMap(value['metadata']);
  return name === 'Amazon' && Object.keys(metadata).length > 0 ? { name, metadata } : { name };
}

function readLease(value: unknown): LeaseInfo {
  const fields = isPlainObject(value) ? value : {};
  return {
    renewalIntervalInSecs: whole(fields['renewalIntervalInSecs'], 0) || DEFAULTS.renewalIntervalInSecs,
    durationInSecs: whole(fields['durationInSecs'], 0) || DEFAULTS.durationInSecs,
    registrationTimestamp: whole(fields['registrationTimestamp'], 0),
    lastRenewalTimestamp: whole(fields['lastRenewalTimestamp'], 0),
    evictionTimestamp: whole(fields['evictionTimestamp'], 0),
    serviceUpTimestamp: whole(fields['serviceUpTimestamp'], 0),
  };
}

/** `{"$": 8080, "@enabled": "true"}`; other clients send the number alone. */
function readPort(value: unknown, fallback: Port): Port {
  if (value === undefined || value === null) return { ...fallback };
  const fields = isPlainObject(value) ? value : { $: value };
  const number = whole(fields['$'], -1);
  if (number < 0 || number > 65_535) throw new Unreadable('cannot parse request body: a port is none');
  const enabled = fields['@enabled'];
  return { number, isEnabled: enabled === undefined ? fallback.isEnabled : isTrue(enabled) };
}

function readTexts(fields: Fields): Partial<Record<TextField, string>> {
  const texts: Partial<Record<TextField, string>> = {};
  for (const field of TEXT_FIELDS) {
    const value = text(fields, field);
    if (value !== undefined) texts[field] = value;
  }
  return texts;
}

/** Jackson's clients mark an empty map by `@class`. */
function readMap(value: unknown): Record<string, string> {
  const map = Object.create(null) as Record<string, string>;
  if (!isPlainObject(value)) return map;
  for (const [key, each] of Object.entries(value)) {
    const read = key === '@class' ? undefined : asText(each);
    if (read !== undefined) map[key] = read;
  }
  return map;
}

function text(fields: Fields, field: string): string | undefined {
  return asText(fields[field]) || undefined;
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** From 0 on; the fallback for what is no such number. */
function whole(value: unknown, fallback: number): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : fallback;
}

function isTrue(value: unknown): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true');
}
