import type { Simulation, Tally } from '../simulation.js';

export interface State {
  done: number;
  failed: number;
  tally: Tally;
}

/** Where a run says how it goes. A terminal shows one line that changes, everything else gets a line now and then. */
export interface Output {
  readonly isTerminal: boolean;
  write(text: string): void;
}

const TERMINAL_EVERY_MS = 500;
const LOG_EVERY_MS = 10_000;

/** Tells a person how far a run is, how fast it goes, how long it will take, and what it has come across. */
export class Progress {
  /** No more seeds are begun. */
  stopped = false;
  private simulation!: Simulation;
  private count = 0;
  private beganMs = 0;
  private toldMs = 0;
  private isLineOpen = false;

  constructor(
    private readonly output: Output,
    private readonly nowMs: () => number,
  ) {}

  begin(simulation: Simulation, count: number): void {
    this.simulation = simulation;
    this.count = count;
    this.beganMs = this.toldMs = this.nowMs();
  }

  advance(state: State): void {
    const { isTerminal } = this.output;
    if (this.nowMs() - this.toldMs < (isTerminal ? TERMINAL_EVERY_MS : LOG_EVERY_MS)) return;
    this.toldMs = this.nowMs();
    const line = this.line(state);
    if (!isTerminal) return this.say(line);
    this.output.write(`\r\u001b[K${line}`);
    this.isLineOpen = true;
  }

  failure({ seed, failure, replayed }: { seed: number; failure: string; replayed: boolean }, command: string): void {
    this.say(`\nseed ${seed} of the ${this.simulation.name} failed: ${failure}\n`);
    if (!replayed) this.say('Run again it went another way: something in it depends on more than the seed.');
    this.say(`again: ${command}\n`);
  }

  end(state: State & { missing: readonly string[] }): void {
    const { name, exercises } = this.simulation;
    const { done, failed, tally, missing } = state;
    const took = duration(this.nowMs() - this.beganMs);
    this.say(`${name}: ${plural(done, 'seed')} in ${took}, ${failed === 0 ? 'all well' : `${failed} failed`}`);
    if (done > failed) this.say(`  came across: ${tally.describe(exercises)}`);
    if (missing.length > 0) this.say(`  never came across what it is there for: ${missing.join(', ')}`);
  }

  say(text: string): void {
    this.output.write(`${this.isLineOpen ? '\r\u001b[K' : ''}${text}\n`);
    this.isLineOpen = false;
  }

  private line({ done, failed, tally }: State): string {
    const { name, headline } = this.simulation;
    const elapsedMs = this.nowMs() - this.beganMs;
    const left = duration((elapsedMs / done) * (this.count - done));
    const rate = ((done * 1000) / elapsedMs).toFixed(1);
    const of = `${done.toLocaleString('en')} of ${plural(this.count, 'seed')}`;
    return `${name}: ${of}, ${rate}/s, ${left} left, ${failed} failed; ${tally.describe(headline)}`;
  }
}

export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
