import {
  DEFAULT_INSTANCE_ID,
  type DataInfoId,
  leasedRegisterId,
  parseLeasedRegisterId,
  parsePersistentRegisterId,
  persistentRegisterId,
  toDataInfoId,
} from '#model';
import type { Key } from './bytes.js';
import { ETCD_LIMITS } from './limits.js';

/** The groups of keys that have no layout of their own, and of leases. */
export const KEY_GROUP = 'ETCD';
export const LEASE_GROUP = 'ETCD_LEASES';

/** Where a key is kept: the datum, and what stands for it there. */
export interface KeyPlace {
  dataInfoId: DataInfoId;
  ownId: string;
}

/** A known layout of keys, whose entries are publications of native names. Pure: the same always. */
export interface KeyLayout {
  /** Undefined for a key that is not of the layout. `ownId` is at most 1,024 bytes without control characters. */
  placeOf(key: Key): KeyPlace | undefined;
  /** What native subscribers read of it; nothing where the value is not of the layout. */
  dataOf(key: Key, value: Uint8Array): string[];
}

/** Undefined for a key that is too long to be kept. */
export function placeOf(key: Key, layouts: readonly KeyLayout[] = []): KeyPlace | undefined {
  for (const layout of layouts) {
    const place = layout.placeOf(key);
    if (place) return { ...place, ownId: MARK + place.ownId };
  }
  const slash = key.lastIndexOf('/') + 1;
  const directory = escaped(key.slice(0, slash));
  const name = escaped(key.slice(slash));
  if (directory.length > ETCD_LIMITS.directoryBytes || name.length > ETCD_LIMITS.nameBytes) return undefined;
  return {
    dataInfoId: toDataInfoId({ dataId: directory || ROOT, instanceId: DEFAULT_INSTANCE_ID, group: KEY_GROUP }),
    ownId: MARK + name,
  };
}

export function dataOf(key: Key, value: Uint8Array, layouts: readonly KeyLayout[] = []): string[] {
  for (const layout of layouts) if (layout.placeOf(key)) return layout.dataOf(key, value);
  return [];
}

/** A key with a lease, and one without, are different publications. */
export function keyRegisterId({ dataInfoId, ownId }: KeyPlace, isLeased: boolean): string {
  return isLeased ? leasedRegisterId(dataInfoId, ownId) : persistentRegisterId(dataInfoId, ownId);
}

/** Whether a publication may be a key: who looks at its body knows. */
export function mayBeKey(registerId: string): boolean {
  return KEY_ID.test(registerId);
}

export function isLeasedKey(registerId: string): boolean {
  return registerId.startsWith('L');
}

/** Where the one of another kind is, of the same key. */
export function placeOfRegisterId(registerId: string): KeyPlace | undefined {
  return parseLeasedRegisterId(registerId) ?? parsePersistentRegisterId(registerId);
}

export function leaseDataInfoId(id: string): DataInfoId {
  return toDataInfoId({ dataId: id, instanceId: DEFAULT_INSTANCE_ID, group: LEASE_GROUP });
}

export function leaseRegisterId(id: string): string {
  return leasedRegisterId(leaseDataInfoId(id), 'lease');
}

export function isLeaseDataInfoId(dataInfoId: DataInfoId): boolean {
  return dataInfoId.endsWith(`#@#${LEASE_GROUP}`);
}

/** Marks the caller's own id of a key. */
const MARK = 'k~';
/** No escaped directory is this. */
const ROOT = '%';
const KEY_ID = /^[LP]\.[\w-]+\.k~/;

/** What is no letter, digit or one of `/._~-` becomes a percent sign and two digits. */
function escaped(bytes: Key): string {
  return bytes.replaceAll(/[^A-Za-z0-9/._~-]/g, (byte) => {
    return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}
