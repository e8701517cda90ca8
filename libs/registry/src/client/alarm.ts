import type { WakeEffect } from '#model';
import { STALL_MS } from './limits.js';

/** The one wake-up that the core has asked for, and what it tells of the process when it comes late. */
export class Alarm {
  /** No connection is judged dead before this, since the process itself has stood still. */
  judgeFromMs = 0;
  private atMs: number | undefined;

  rang(nowMs: number): void {
    if (this.atMs !== undefined && nowMs - this.atMs > STALL_MS) this.judgeFromMs = nowMs + STALL_MS;
    this.atMs = undefined;
  }

  /** An earlier wake-up asked for already will ask again: cheaper than a new timer with every answer. */
  set(atMs: number): WakeEffect | undefined {
    if (atMs === Infinity || atMs >= (this.atMs ?? Infinity)) return undefined;
    this.atMs = atMs;
    return { type: 'wake', atMs };
  }
}
