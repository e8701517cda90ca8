import type { Core, Env, LogEffect, WakeEffect, WakeEvent } from '#model';
import { requestBehind } from '../requests/request-id.js';
import type { Logger } from './logger.js';
import { Reading } from './reading.js';

/** What a core asks of its host beyond waking it and logging. */
export type HostEffect<Effect> = Exclude<Effect, WakeEffect | LogEffect>;

export interface CoreRunnerOptions<Event, Effect> {
  core: Core<Event | WakeEvent, Effect>;
  env: Env;
  logger: Logger;
  /** Performs one effect. It must not wait: what takes time comes back as an event. */
  perform(effect: HostEffect<Effect>): void;
  /** The core threw, so its state can no longer be trusted; the runner has stopped. The process should end. */
  onFatal(error: unknown): void;
  /** Of the process, unless a test has its own. */
  reading?: Pick<Reading, 'untilMs' | 'whenRead'>;
}

/** All cores of a process live in one event loop. */
const READING = new Reading();

/**
 * Runs a core in the outside world: events in, effects performed in order. A step is never entered twice: an event
 * dispatched while effects are performed waits until all of them are, and then takes its turn in order of dispatch.
 */
export class CoreRunner<Event extends { type: string }, Effect extends { type: string }> {
  private readonly options: CoreRunnerOptions<Event, Effect>;
  private queue: (Event | WakeEvent)[] = [];
  private draining = false;
  private stopped = false;
  /** When the core wants to be woken. */
  private wakeAtMs = Infinity;
  /** When the one timer fires: at `wakeAtMs` or before it, so that a deadline that moves back costs no new timer. */
  private armedAtMs = Infinity;
  private disarm: () => void = () => {};
  private failed = 0;
  private isWaking = false;
  private readonly reading: Pick<Reading, 'untilMs' | 'whenRead'>;

  constructor(options: CoreRunnerOptions<Event, Effect>) {
    this.options = options;
    this.reading = options.reading ?? READING;
  }

  /** Effects that could not be performed. */
  get failedEffects(): number {
    return this.failed;
  }

  dispatch(event: Event | WakeEvent): void {
    if (this.stopped) return;
    this.queue.push(event);
    if (this.draining) return;
    this.draining = true;
    try {
      // The queue grows while it is walked; taking from its front one by one would be quadratic.
      for (let i = 0; i < this.queue.length && !this.stopped; i++) this.process(this.queue[i]!);
    } finally {
      this.queue = [];
      this.draining = false;
    }
  }

  /** Ends the timer and ignores every later event. Effects of the step under way are still performed. */
  stop(): void {
    this.stopped = true;
    this.disarm();
    this.wakeAtMs = this.armedAtMs = Infinity;
  }

  private process(event: Event | WakeEvent): void {
    let effects: Effect[];
    try {
      effects = this.options.core.step(this.options.env.nowMs(), event, this.reading.untilMs());
    } catch (error) {
      this.options.logger.error('core-failed', { on: event.type, ...requestBehind(event), error });
      this.stop();
      this.options.onFatal(error);
      return;
    }
    for (const effect of effects) this.performOne(effect, event);
  }

  private performOne(effect: Effect, event: Event | WakeEvent): void {
    if (isWake(effect)) this.wake(effect.atMs);
    else if (isLog(effect))
      this.options.logger.line({ ...effect, fields: { ...requestBehind(event), ...effect.fields } });
    else
      try {
        this.options.perform(effect as HostEffect<Effect>);
      } catch (error) {
        // One effect that fails, such as a send to one peer, must not keep the others from being performed.
        this.failed++;
        this.options.logger.error('effect-failed', { effect: effect.type, ...requestBehind(event), error });
      }
  }

  private wake(atMs: number): void {
    if (this.stopped) return;
    this.wakeAtMs = atMs;
    if (atMs < this.armedAtMs) this.arm();
  }

  private arm(): void {
    this.disarm();
    this.armedAtMs = this.wakeAtMs;
    if (this.wakeAtMs === Infinity) return;
    this.disarm = this.options.env.at(this.wakeAtMs, () => {
      this.armedAtMs = Infinity;
      if (this.options.env.nowMs() < this.wakeAtMs) this.arm();
      else this.wakeWhenRead();
    });
  }

  /** Where the timer is late, what the core waits for may have come; it is to judge by that, not by the lateness. */
  private wakeWhenRead(): void {
    if (this.isWaking) return;
    this.isWaking = true;
    this.reading.whenRead(() => {
      this.isWaking = false;
      if (this.options.env.nowMs() < this.wakeAtMs) return this.arm();
      this.wakeAtMs = Infinity;
      this.dispatch({ type: 'wake' });
    });
  }
}

function isWake(effect: { type: string }): effect is WakeEffect {
  return effect.type === 'wake';
}

function isLog(effect: { type: string }): effect is LogEffect {
  return effect.type === 'log';
}
