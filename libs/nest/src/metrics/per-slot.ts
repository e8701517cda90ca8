import type { LabelledValue } from './read-metrics.js';

/** A server that leads more slots than this tells only of the worst of them: a series for each of 16,384 is too many. */
const SLOTS_TOLD = 256;

/** Of each slot a number that is the worse the higher it is; of more slots than are told, the highest, as slot `worst`. */
export function perSlot(values: Iterable<readonly [slot: number, value: number]>): LabelledValue[] {
  const all = [...values];
  if (all.length <= SLOTS_TOLD) return all.map(([slot, value]) => ({ labels: { slot }, value }));
  return [{ labels: { slot: 'worst' }, value: all.reduce((worst, [, value]) => Math.max(worst, value), -Infinity) }];
}
