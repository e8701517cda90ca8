/**
 * The shape of every brain in Rollcall. A core is synchronous and deterministic: the same events at the same times
 * give the same effects. It never throws for bad input, never reads a clock and never touches the outside world;
 * randomness is a seeded generator given at construction. The host performs the effects in the order given.
 */
export interface Core<Event, Effect> {
  /**
   * @param nowMs monotonic milliseconds, never decreasing between calls; unrelated to the wall clock
   * @param readUntilMs all that had arrived here by then has been read; `nowMs` where it is left out. A process that reads
   *   from thousands of connections in one turn of its event loop still has before it what others have said long ago, so
   *   their silence counts no further than this.
   */
  step(nowMs: number, event: Event, readUntilMs?: number): Effect[];
}

/** What a host needs of the outside world. The simulation implements it too. */
export interface Env {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Wall-clock milliseconds since 1970. Only for stamps and for people; no decision of a server compares it. */
  wallMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Runs `run` once at monotonic time `ms`; the answer cancels it. */
  at(ms: number, run: () => void): () => void;
}

/** Asks the host for a `wake` event at `atMs`. A later `wake` effect of the same core replaces an earlier one. */
export interface WakeEffect {
  type: 'wake';
  atMs: number;
}

export interface WakeEvent {
  type: 'wake';
}
