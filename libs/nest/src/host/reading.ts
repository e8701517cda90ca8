/** Of performance.now. */
export interface EventLoop {
  nowMs(): number;
  /** For how long it has waited for something to happen, in all. */
  idleMs(): number;
  /** At the end of a turn, after all has been read that was there to be read when it began. */
  afterTurn(run: () => void): void;
}

/** Who has waited for so long had nothing to read; less can be a wait for the processor. */
const IDLE_MS = 20;

const NODE: EventLoop = {
  nowMs: () => performance.now(),
  idleMs: () => performance.nodeTiming.idleTime,
  afterTurn: (run) => void setImmediate(run),
};

/**
 * Until when all that had arrived has been read. A turn of the event loop reads from all sockets that had something when it
 * began, which with thousands of them can take seconds; what comes meanwhile is read in the next. So within a turn it is the
 * beginning of the one before, unless the event loop had nothing to do in between.
 */
export class Reading {
  private turnBeganAtMs: number;
  private knownUntilMs: number;
  private isInTurn = false;
  private idleMs = 0;

  constructor(private readonly loop: EventLoop = NODE) {
    this.turnBeganAtMs = this.knownUntilMs = loop.nowMs();
  }

  /** To be asked whenever something happens. */
  untilMs(): number {
    if (!this.isInTurn) this.begin();
    return this.knownUntilMs;
  }

  /** Runs something when all has been read that was there when this turn began, or begins; `untilMs` is no earlier then. */
  whenRead(run: () => void): void {
    this.untilMs();
    this.loop.afterTurn(run);
  }

  private begin(): void {
    const { loop } = this;
    this.isInTurn = true;
    loop.afterTurn(() => (this.isInTurn = false));
    const [nowMs, idleMs] = [loop.nowMs(), loop.idleMs()];
    this.knownUntilMs = idleMs - this.idleMs >= IDLE_MS ? nowMs : this.turnBeganAtMs;
    this.turnBeganAtMs = nowMs;
    this.idleMs = idleMs;
  }
}
