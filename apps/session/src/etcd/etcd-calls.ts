import { UseFilters } from '@nestjs/common';
import { EtcdErrorFilter } from './failures.js';

export const ETCD_STORE = Symbol('EtcdStore');

/** Has what the calls of a controller throw answered in the words of etcd. */
export function EtcdCalls(): ClassDecorator {
  return UseFilters(EtcdErrorFilter);
}
