/** Now, by both clocks of a server: times are counted by the one, and shown to people by the other. */
export interface Clocks {
  nowMs: number;
  wallMs: number;
}

/** A time of this process as the clock on the wall shows it. */
export function timeOfDay({ nowMs, wallMs }: Clocks, atMs: number): string {
  return new Date(wallMs - (nowMs - atMs)).toISOString();
}
