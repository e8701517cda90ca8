import type { Instance } from './instance.js';

/**
 * Eureka's `apps__hashcode`: how many instances have each status, by name. Who applies changes counts what it holds by then, and
 * fetches everything where that comes to another.
 */
export function hashCodeOf(instances: Iterable<Pick<Instance, 'status'>>): string {
  const counts = new Map<string, number>();
  for (const { status } of instances) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([status, count]) => `${status}_${count}_`)
    .join('');
}
