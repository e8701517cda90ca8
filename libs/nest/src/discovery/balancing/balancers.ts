import type { Balancer } from './balancer.js';
import { ConsistentHash } from './consistent-hash.js';
import { WeightedRoundRobin } from './round-robin.js';
import { TwoChoices } from './two-choices.js';

/** Those that are here, by the names under which they are chosen. */
export const BALANCERS = {
  'round-robin': () => new WeightedRoundRobin(),
  'two-choices': (random) => new TwoChoices(random),
  'consistent-hash': (random) => new ConsistentHash(random),
} satisfies Record<string, (random: () => number) => Balancer>;

export type BalancerName = keyof typeof BALANCERS;
