import { setFlagsFromString } from 'node:v8';

/** By how much of itself the heap may grow until V8 begins a major collection. */
export const LET_HEAP_GROW = '--heap-growing-percent=100';

/** Everything is young at first, wherever it is made. */
export const ALL_YOUNG_AT_FIRST = '--no-allocation-site-pretenuring';

/**
 * For servers that hold much for long, and make much that is gone in a moment: fewer major collections. Most of one is
 * other threads', for which the main thread, where all cores are busy, has to wait.
 *
 * - The heap may become twice as large as what is live before all of it is looked at again. Left to itself, V8 aims at 97 % of
 *   the time for what is not collecting, of which it only counts the main thread: where little of much changes it begins anew
 *   after a fifth more. With a million publications, of which 2,000 changed a second, one came every 15 s, with turns of
 *   the event loop of half a second and more (`bench/src/size/million.main.ts`).
 * - Nothing is created among what is old. V8 comes to do so where nearly all that the same code made has stayed so far, as
 *   it does while a server is filled, and goes on when that code makes what is sent and forgotten. That then waits for
 *   the next major collection, with all that it names. In `churn-100k` one change of a hundred came after 276 to 512 ms without
 *   this in session servers, and after 198 to 298 with it (four runs of either, in turns, before pushes were made otherwise; see
 *   ARCHITECTURE.md); in a data server with a million publications a fetch of a hundred cost half as much again.
 */
export function tuneHeap(): void {
  setFlagsFromString(LET_HEAP_GROW);
  setFlagsFromString(ALL_YOUNG_AT_FIRST);
}
