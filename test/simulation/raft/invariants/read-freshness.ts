import { Violation } from '#sim';
import type { Operation } from '../linearizability.js';
import type { GroupObserver } from '../observer.js';

/** A read sees every append that was acknowledged before the read began. */
export function readFreshness(): GroupObserver {
  const acknowledged = new Map<string, string[]>();
  const known = new Map<Operation, number>();
  const of = (key: string): string[] => {
    let values = acknowledged.get(key);
    if (!values) acknowledged.set(key, (values = []));
    return values;
  };
  return {
    invoked: (operation) => {
      if (operation.call.type === 'read') known.set(operation, of(operation.key).length);
    },
    answered: (operation) => {
      const { call, key, client, result } = operation;
      if (call.type === 'append') of(key).push(call.value);
      if (!result || !('list' in result)) return;
      const seen = new Set(result.list);
      const missed = of(key)
        .slice(0, known.get(operation))
        .find((value) => !seen.has(value));
      if (missed !== undefined)
        throw new Violation('read freshness', `${client} reads ${key} without ${missed}, acknowledged before`);
    },
  };
}
