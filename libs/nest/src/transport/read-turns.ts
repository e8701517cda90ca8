/** A connection as it is read. */
export interface Reader {
  /** Nobody waits for what is still to be read of it. */
  readonly isOver: boolean;
  /** Never throws. */
  receive(chunk: Buffer): void;
  /** Has the kernel keep what comes until `readOn`. */
  holdBack(): void;
  readOn(): void;
}

export interface ReadTurnsOptions {
  nowMs(): number;
  /** Calls back when the event loop has looked at everything else. */
  later(run: () => void): void;
  /** Told in each turn as long as what is read then has waited for some time. */
  onLate(lateMs: number): void;
}

interface Held {
  readonly sinceMs: number;
  readonly chunks: Buffer[];
  bytes: number;
  isHeldBack: boolean;
}

/** Of each turn of the event loop, what is read. So much that it ends what usually comes at once. */
const TURN_MS = 25;
/** Of one connection each, so that what handlers put off to the end of a callback is done before the clock is looked at. */
const STEPS = 64;
/** From here on it is worth knowing. */
const LATE_MS = 100;
/** Of who sends more before its turn, the kernel keeps the rest; and of all, where this much is held. */
const HELD_BYTES_EACH = 64 * 1024;
const HELD_BYTES = 64 * 1024 * 1024;

/**
 * Reads very many connections in turns. When thousands of clients come back at once, what they bring takes seconds to work off,
 * and an event loop works off all that it finds before it looks at a timer again: heartbeats are not sent, answers of other
 * servers not read, and the server is taken for dead and loses its clients once more, who come back elsewhere. So what does not
 * fit into a turn is held, in the order in which it came, and read a turn at a time, between which the loop goes on with all else.
 */
export class ReadTurns {
  private readonly held = new Map<Reader, Held>();
  private heldBytes = 0;
  /** Of the turn in which what comes is read at once; undefined while nothing has come in this turn of the loop. */
  private endsAtMs: number | undefined;
  /** Of the turn in which it is read what is held, and how many steps of it are to come. */
  private stepsEndAtMs: number | undefined;
  private steps = 0;

  constructor(private readonly options: ReadTurnsOptions) {}

  /** Connections of which something is held. */
  get waiting(): number {
    return this.held.size;
  }

  read(reader: Reader, chunk: Buffer): void {
    const nowMs = this.options.nowMs();
    if (this.endsAtMs === undefined) {
      this.endsAtMs = nowMs + TURN_MS;
      if (this.steps === 0) this.plan();
    }
    if (this.held.size === 0 && nowMs < this.endsAtMs) reader.receive(chunk);
    else this.hold(reader, chunk, nowMs);
  }

  private hold(reader: Reader, chunk: Buffer, nowMs: number): void {
    let held = this.held.get(reader);
    if (!held) this.held.set(reader, (held = { sinceMs: nowMs, chunks: [], bytes: 0, isHeldBack: false }));
    held.chunks.push(chunk);
    held.bytes += chunk.length;
    this.heldBytes += chunk.length;
    if (held.isHeldBack || (held.bytes <= HELD_BYTES_EACH && this.heldBytes <= HELD_BYTES)) return;
    held.isHeldBack = true;
    reader.holdBack();
  }

  private plan(): void {
    this.steps = Math.max(1, Math.min(this.held.size, STEPS));
    for (let i = 0; i < this.steps; i++) this.options.later(this.step);
  }

  private readonly step = (): void => {
    const nowMs = this.options.nowMs();
    const isFirst = this.stepsEndAtMs === undefined;
    this.stepsEndAtMs ??= nowMs + TURN_MS;
    if (nowMs < this.stepsEndAtMs) this.readOne(nowMs, isFirst);
    if (--this.steps > 0) return;
    this.endsAtMs = this.stepsEndAtMs = undefined;
    if (this.held.size > 0) this.plan();
  };

  private readOne(nowMs: number, isFirst: boolean): void {
    for (const [reader, held] of this.held) {
      const lateMs = nowMs - held.sinceMs;
      if (isFirst && lateMs >= LATE_MS) this.options.onLate(lateMs);
      return this.release(reader, held);
    }
  }

  private release(reader: Reader, { chunks, bytes, isHeldBack }: Held): void {
    this.held.delete(reader);
    this.heldBytes -= bytes;
    for (const chunk of chunks) if (!reader.isOver) reader.receive(chunk);
    if (isHeldBack) reader.readOn();
  }
}
