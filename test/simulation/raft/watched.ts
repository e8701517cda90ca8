import type { Group } from './group.js';
import { atMostOnce } from './invariants/at-most-once.js';
import { configurationSafety } from './invariants/configuration-safety.js';
import { durability } from './invariants/durability.js';
import { electionSafety } from './invariants/election-safety.js';
import { hardState } from './invariants/hard-state.js';
import { leaderCompleteness } from './invariants/leader-completeness.js';
import { logMatching } from './invariants/log-matching.js';
import { promisesOnDisk } from './invariants/promises-on-disk.js';
import { readFreshness } from './invariants/read-freshness.js';
import { stateMachineSafety } from './invariants/state-machine-safety.js';
import type { GroupObserver } from './observer.js';

type Invariant = (group: Group) => GroupObserver;

/** What the protocol promises to those who use it. */
export const OUTCOMES: Invariant[] = [
  electionSafety,
  logMatching,
  leaderCompleteness,
  stateMachineSafety,
  readFreshness,
  atMostOnce,
];

/** What it promises so that the others can hold; a breach is often found here long before it does harm. */
export const DUTIES: Invariant[] = [promisesOnDisk, durability, hardState, configurationSafety];
