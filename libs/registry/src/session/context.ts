import { DEFAULT_SWITCHES, type LogLevel, type Member, type Random, type Switches, type EventAt, logged } from '#model';
import { NamesOff } from '../names-off.js';
import type { SessionEffect, SessionLimits } from './contract.js';
import { TICK_MS } from './limits.js';
import { Timers } from './timers.js';

/** What the parts of the session core share within a step: the time, the effects, the timers. */
export class SessionContext {
  readonly timers = new Timers();
  nowMs = 0;
  /** All that had arrived by then has been read; see `Core`. */
  readUntilMs = 0;
  /** Of the latest request: for people, and for stamps made here. */
  wallMs = 0;
  /** Empty until the first table. */
  clusterId = '';
  tableEpoch = 0;
  switches: Switches = DEFAULT_SWITCHES;
  namesOff = new NamesOff(DEFAULT_SWITCHES);

  private lastRequestId = 0;
  private effects: SessionEffect[] = [];
  private resumedAtMs = 0;

  constructor(
    readonly self: Member,
    readonly random: Random,
    readonly limits: SessionLimits,
  ) {}

  /** The core wakes once a tick, so a longer gap means that this process itself stood still, and asked nobody anything. */
  begin(nowMs: number, readUntilMs: number): void {
    if (nowMs - this.nowMs > 2 * TICK_MS) this.resumedAtMs = nowMs;
    this.nowMs = nowMs;
    this.readUntilMs = readUntilMs;
  }

  end(): SessionEffect[] {
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  switch(switches: Switches): void {
    this.switches = switches;
    this.namesOff = new NamesOff(switches);
  }

  /** Names a question to a data server. */
  nextRequestId(): number {
    return ++this.lastRequestId;
  }

  emit(effect: SessionEffect): void {
    this.effects.push(effect);
  }

  log<Level extends LogLevel>(level: Level, event: EventAt<Level>, fields?: Record<string, unknown>): void {
    this.emit(logged(level, event, fields));
  }

  /**
   * For how long something has been silent, seen from here. Where this process stood still, or has much else to read, what
   * others have said may be waiting unread; that silence is ours, not theirs.
   */
  silenceMs(sinceMs: number): number {
    return this.readUntilMs - Math.max(sinceMs, this.resumedAtMs);
  }
}
