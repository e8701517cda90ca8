import { DEFAULT_GROUP, DEFAULT_INSTANCE_ID, type DataInfoId, toDataInfoId } from '#model';
import type { Span } from '../bytes.js';
import type { KeyedValue, Layouts } from './layouts.js';

/** A service whose native publications are shown as keys. */
export interface NativeService {
  dataInfoId: DataInfoId;
  /** The keys under which one of its publications is shown, whatever they are asked for. */
  keysOf(registerId: string, body: Uint8Array): KeyedValue[];
}

/** The service whose keys alone are in a range; undefined where there may be others in it. */
export type NativeKeysIn = (span: Span) => NativeService | undefined;

/** @param dataOf what is published in a body */
export function nativeKeysIn(layouts: Layouts, dataOf: (body: Uint8Array) => readonly string[]): NativeKeysIn {
  return (span) => {
    const service = layouts.serviceWithin(span);
    if (!service) return undefined;
    const { dataId, keysOf } = service;
    return {
      dataInfoId: toDataInfoId({ dataId, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID }),
      keysOf: (registerId, body) => keysOf(registerId, dataOf(body)),
    };
  };
}
