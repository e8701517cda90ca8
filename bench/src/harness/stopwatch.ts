import type { Measured } from './results.js';

/** Of what nobody has measured yet. */
const UNKNOWN_SECONDS = 120;

/** How long one round of a system is likely to take: as long as the longest did, or else the longest of any other system. */
export function likelySeconds(measured: Measured | undefined, system: string): number {
  const all = (measured?.rounds ?? []).flatMap((round) =>
    Object.entries(round).flatMap(([name, { tookSeconds }]) =>
      tookSeconds === undefined ? [] : { name, tookSeconds },
    ),
  );
  const own = all.filter(({ name }) => name === system);
  const taken = (own.length > 0 ? own : all).map(({ tookSeconds }) => tookSeconds);
  return taken.length > 0 ? Math.max(...taken) : UNKNOWN_SECONDS;
}
