/** What it is measured by and waits with: Node's, unless a test has its own. */
export interface Turns {
  nowMs(): number;
  /** At the end of a turn of the event loop, after all has been read that was there to be read when it began. */
  afterTurn(run: () => void): void;
}

const NODE: Turns = { nowMs: () => performance.now(), afterTurn: (run) => void setImmediate(run) };

/** Where there is always something to read, what waits for that to end begins no later than this. */
export const PATIENCE_MS = 50;

/** So much is done in one turn, so that what is there to be read meanwhile does not wait for all of it. */
export const SHARE = 64;

/**
 * What comes behind reading: it is done as soon as a turn of the event loop has found nothing to read. Where little comes that
 * is the next one, some microseconds later.
 */
export class ReadTurns {
  private readonly waiting: (() => void)[] = [];
  /** Since when somebody has waited. */
  private sinceMs = 0;
  private hasRead = false;
  private isAsked = false;

  constructor(private readonly turns: Turns = NODE) {}

  /** Something has been read. */
  noteRead(): void {
    this.hasRead = true;
  }

  /** Runs something behind all that is there to be read, and in the order of the calls. */
  behind(run: () => void): void {
    this.waiting.push(run);
    if (this.waiting.length > 1) return;
    this.sinceMs = this.turns.nowMs();
    // In the turn under way others may have had something to read.
    this.hasRead = true;
    this.lookLater();
  }

  private lookLater(): void {
    if (this.isAsked) return;
    this.isAsked = true;
    this.turns.afterTurn(this.look);
  }

  private readonly look = (): void => {
    this.isAsked = false;
    const isDue = !this.hasRead || this.turns.nowMs() - this.sinceMs >= PATIENCE_MS;
    this.hasRead = false;
    try {
      if (isDue) this.runShare();
    } finally {
      if (this.waiting.length > 0) this.lookLater();
    }
  };

  private runShare(): void {
    // What comes of these waits for itself.
    for (let left = Math.min(SHARE, this.waiting.length); left > 0; left--) this.waiting.shift()!();
  }
}

/** Of all sockets of this process. */
export const readTurns = new ReadTurns();
