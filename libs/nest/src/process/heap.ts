import { setFlagsFromString } from 'node:v8';

/** By how much of itself the heap may grow until V8 begins a major collection. */
export const LET_HEAP_GROW = '--heap-growing-percent=100';

/**
 * For servers that hold much for long: lets the heap become twice as large as what is live, before all of it is looked at
 * again. Left to itself, V8 aims at 97 % of the time for what is not collecting, of which it only counts the main thread:
 * where little of much changes it begins anew after a fifth more. But most of a collection is other threads', for which the
 * main thread, where all cores are busy, has to wait. With a million publications, of which 2,000 changed a second, one came
 * every 15 s, with turns of the event loop of half a second and more (`bench/src/size/million.main.ts`).
 */
export function letHeapGrow(): void {
  setFlagsFromString(LET_HEAP_GROW);
}
