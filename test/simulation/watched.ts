import type { RemovalCause } from '#model';
import { Cluster, type ClusterOptions } from '#sim';
import { committedTables } from './invariants/committed-tables.js';
import { conditionalLeaders } from './invariants/conditional-leaders.js';
import { conditionalMembers } from './invariants/conditional-members.js';
import { confirmedOwners } from './invariants/confirmed-owners.js';
import { freshReads } from './invariants/fresh-reads.js';
import { highestEpoch } from './invariants/highest-epoch.js';
import { noErrors } from './invariants/no-errors.js';
import { noShrink } from './invariants/no-shrink.js';
import { oneContent } from './invariants/one-content.js';
import { ownRemovals } from './invariants/own-removals.js';
import { provedDeaths } from './invariants/proved-deaths.js';
import { recordedCause } from './invariants/recorded-cause.js';
import { toldChanges } from './invariants/told-changes.js';
import { uniqueStamp } from './invariants/unique-stamp.js';
import { versionsRise } from './invariants/versions-rise.js';

/**
 * A cluster under the eyes of every invariant that holds at all times; what must hold after healing is for
 * `untilConverged` to demand (invariant 10).
 *
 * @param causes counts the removals recorded
 */
export function watched(options: ClusterOptions, causes?: Map<RemovalCause, number>): Cluster {
  const observers = [
    // Invariants 1 to 6.
    ...[uniqueStamp, ownRemovals, noShrink, (cluster: Cluster) => recordedCause(cluster, causes)],
    ...[oneContent, versionsRise, highestEpoch],
    // Invariant 7.
    ...[committedTables, conditionalLeaders, conditionalMembers],
    // Invariant 9.
    ...[confirmedOwners],
    // What they rest upon.
    ...[noErrors, freshReads, provedDeaths, toldChanges],
  ];
  return new Cluster({ ...options, observers: [...observers, ...(options.observers ?? [])] });
}
