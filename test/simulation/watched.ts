import { Cluster, type ClusterOptions } from '#sim';
import { committedTables } from './invariants/committed-tables.js';
import { conditionalLeaders } from './invariants/conditional-leaders.js';
import { conditionalMembers } from './invariants/conditional-members.js';
import { freshReads } from './invariants/fresh-reads.js';
import { noErrors } from './invariants/no-errors.js';
import { noShrink } from './invariants/no-shrink.js';
import { oneContent } from './invariants/one-content.js';
import { provedDeaths } from './invariants/proved-deaths.js';
import { uniqueStamp } from './invariants/unique-stamp.js';
import { versionsRise } from './invariants/versions-rise.js';

/** A cluster under the eyes of every invariant. */
export function watched(options: ClusterOptions): Cluster {
  const observers = [
    ...[noErrors, uniqueStamp, versionsRise, oneContent, noShrink],
    ...[committedTables, conditionalLeaders, conditionalMembers, freshReads, provedDeaths],
  ];
  return new Cluster({ ...options, observers: [...observers, ...(options.observers ?? [])] });
}
