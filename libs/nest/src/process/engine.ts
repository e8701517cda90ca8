import { setFlagsFromString } from 'node:v8';

/** By how much of itself the heap may grow until V8 begins a major collection. */
export const LET_HEAP_GROW = '--heap-growing-percent=100';

/** Everything is young at first, wherever it is made. */
export const ALL_YOUNG_AT_FIRST = '--no-allocation-site-pretenuring';

/** How much of a function has to have run, in bytes of its bytecode, until V8 asks whether to compile it; 67,584 by default. */
export const COMPILE_SOON = '--interrupt-budget=5000';

/**
 * For servers, which hold much for long, make much that is gone in a moment, and run the same code from their first minute
 * on.
 *
 * - The heap may become twice as large as what is live before all of it is looked at again. Left to itself, V8 aims at 97 % of
 *   the time for what is not collecting, of which it only counts the main thread: where little of much changes it begins anew
 *   after a fifth more. With a million publications, of which 2,000 changed a second, one came every 15 s, with turns of
 *   the event loop of half a second and more (`bench/src/size/million.main.ts`). Most of a collection is other threads', for
 *   which the main thread, where all cores are busy, has to wait.
 * - Nothing is created among what is old. V8 comes to do so where nearly all that the same code made has stayed so far, as
 *   it does while a server is filled, and goes on when that code makes what is sent and forgotten. That then waits for
 *   the next major collection, with all that it names. In `churn-100k` one change of a hundred came after 276 to 512 ms without
 *   this in session servers, and after 198 to 298 with it (four runs of either, in turns, before pushes were made otherwise; see
 *   ARCHITECTURE.md); in a data server with a million publications a fetch of a hundred cost half as much again.
 * - What runs often is compiled after some hundred times rather than some thousand. A change passes through much code that each
 *   time runs once: after the first 1,500 since the start, one took 0.97 ms in the middle without this, and 0.73 with it in all
 *   processes, that of the clients among them; after 15,000 it is the same with and without (`isolated`).
 */
export function tuneEngine(): void {
  for (const flag of [LET_HEAP_GROW, ALL_YOUNG_AT_FIRST, COMPILE_SOON]) setFlagsFromString(flag);
}
