interface Reading {
  /** What has to be added to a time of ours to have it on the peer's clock. */
  offsetMs: number;
  /** The true offset differs by no more than this from the one above. */
  errorMs: number;
}

/** As old as the oldest of so many readings are, clocks have drifted apart by a few microseconds. */
const READINGS = 8;

/**
 * What the clock of a peer shows, by ours. Clocks of processes have nothing in common but that they run equally fast, nor is
 * the time of day the same on two machines. But whoever asks for the other's time and has the answer 0.4 ms later knows it to
 * 0.2 ms, whatever either clock shows: it was read somewhere in between (Cristian 1989; as NTP does). Of the latest answers
 * the one that came soonest counts. What is worked out from it is off by no more than `errorMs`, and this is known.
 */
export class PeerClock {
  private readings: Reading[] = [];
  private best: Reading | undefined;
  private asked: { sequence: number; atMs: number } | undefined;

  get isKnown(): boolean {
    return this.best !== undefined;
  }

  /** By how much a converted time may be wrong. */
  get errorMs(): number | undefined {
    return this.best?.errorMs;
  }

  /** When the peer was last asked. */
  get askedAtMs(): number {
    return this.asked?.atMs ?? -Infinity;
  }

  asks(sequence: number, nowMs: number): void {
    this.asked = { sequence, atMs: nowMs };
  }

  answered(sequence: number, nowMs: number, clockMs: unknown): void {
    if (this.asked?.sequence !== sequence || typeof clockMs !== 'number' || !Number.isFinite(clockMs)) return;
    const errorMs = (nowMs - this.asked.atMs) / 2;
    this.readings = [...this.readings, { offsetMs: clockMs - nowMs + errorMs, errorMs }].slice(-READINGS);
    this.best = this.readings.reduce((best, each) => (each.errorMs < best.errorMs ? each : best));
  }

  toTheirs(atMs: number): number | undefined {
    return this.best && atMs + this.best.offsetMs;
  }

  toOurs(atMs: number): number | undefined {
    return this.best && atMs - this.best.offsetMs;
  }
}
