import type { Core, Env, LogEffect, WakeEffect, WakeEvent } from '#model';
import { CoreRunner } from './core-runner.js';
import { createLogger } from './logger.js';

type Said = { type: 'say'; text: string };
type Told = { type: 'tell'; text: string };
type Effect = Said | WakeEffect | LogEffect;

/** A clock that moves when told; timers fire in order, never early. */
class ManualEnv implements Env {
  private now = 0;
  private timers: { ms: number; run: () => void }[] = [];
  timersMade = 0;

  nowMs = (): number => this.now;
  wallMs = (): number => 0;
  random = (): number => 0;
  at = (ms: number, run: () => void): (() => void) => {
    const timer = { ms, run };
    this.timersMade++;
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((other) => other !== timer));
  };

  advanceTo(ms: number): void {
    for (;;) {
      const due = this.timers.filter((timer) => timer.ms <= ms).toSorted((a, b) => a.ms - b.ms)[0];
      if (!due) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.now = Math.max(this.now, due.ms);
      due.run();
    }
    this.now = ms;
  }

  get waiting(): number {
    return this.timers.length;
  }
}

/** Has always read everything, unless it is told to be busy. */
class ManualReading {
  readUntilMs = Infinity;
  private waiting: (() => void)[] | undefined;

  untilMs = (): number => this.readUntilMs;
  whenRead = (run: () => void): void => {
    if (this.waiting) this.waiting.push(run);
    else run();
  };

  busy(): void {
    this.waiting = [];
  }

  done(): void {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const run of waiting) run();
  }
}

/** Runs a core given as a function, and keeps a transcript of what was stepped, performed and logged. */
function run(
  step: (nowMs: number, event: Told | WakeEvent, readUntilMs?: number) => Effect[],
  perform?: (text: string) => void,
) {
  const env = new ManualEnv();
  const transcript: string[] = [];
  const fatal: unknown[] = [];
  const core: Core<Told | WakeEvent, Effect> = {
    step(nowMs, event, readUntilMs) {
      transcript.push(`step ${event.type === 'tell' ? event.text : `wake at ${nowMs}`}`);
      return step(nowMs, event, readUntilMs);
    },
  };
  const reading = new ManualReading();
  const runner = new CoreRunner<Told, Effect>({
    reading,
    core,
    env,
    logger: createLogger({
      tier: 'test',
      level: 'debug',
      format: 'json',
      write: (line) => {
        const { level, event } = JSON.parse(line) as { level: string; event: string };
        transcript.push(`${level} ${event}`);
      },
    }),
    perform: (effect) => {
      transcript.push(`perform ${effect.text}`);
      perform?.(effect.text);
    },
    onFatal: (error) => fatal.push(error),
  });
  const tell = (text: string): void => runner.dispatch({ type: 'tell', text });
  return { env, runner, reading, transcript, fatal, tell };
}

const say = (text: string): Said => ({ type: 'say', text });
const wake = (atMs: number): WakeEffect => ({ type: 'wake', atMs });

describe('CoreRunner', () => {
  it('performs all effects of a step before the events that they caused, in order', () => {
    const { transcript, tell } = run(
      (_, event) => (event.type === 'tell' && event.text === 'first' ? [say('a'), say('b')] : []),
      (text) => {
        tell(`after ${text}`);
        tell(`again ${text}`);
      },
    );
    tell('first');
    expect(transcript).toEqual([
      'step first',
      'perform a',
      'perform b',
      'step after a',
      'step again a',
      'step after b',
      'step again b',
    ]);
  });

  it('wakes the core at the latest time it asked for, once', () => {
    const asked = [wake(100), wake(50), wake(200)];
    const { env, transcript, tell } = run((_, event) => (event.type === 'tell' ? asked.splice(0, 1) : []));
    tell('later');
    tell('sooner');
    env.advanceTo(50);
    expect(transcript).toEqual(['step later', 'step sooner', 'step wake at 50']);
    tell('much later');
    env.advanceTo(1000);
    expect(transcript.slice(3)).toEqual(['step much later', 'step wake at 200']);
    expect(env.waiting).toBe(0);
  });

  it('never wakes before the time, however often the deadline moved back, and makes few timers for that', () => {
    let deadlineMs = 100;
    const { env, transcript, tell } = run((_, event) => (event.type === 'tell' ? [wake(deadlineMs++)] : []));
    for (let i = 0; i < 1000; i++) tell('more');
    env.advanceTo(1098);
    expect(transcript).not.toContain('step wake at 1098');
    env.advanceTo(2000);
    expect(transcript.filter((line) => line.startsWith('step wake'))).toEqual(['step wake at 1099']);
    expect(env.timersMade).toBeLessThan(5);
  });

  it('wakes the core once what is there has been read, if it is still to be woken then', () => {
    const asked = [wake(100), wake(400)];
    const { env, reading, transcript, tell } = run((_, event) => (event.type === 'tell' ? asked.splice(0, 1) : []));
    tell('later');
    reading.busy();
    env.advanceTo(300);
    expect(transcript).toEqual(['step later']);
    reading.done();
    expect(transcript).toEqual(['step later', 'step wake at 300']);
    reading.busy();
    tell('again');
    env.advanceTo(450);
    // What was read says that there is nothing to be woken for any more.
    asked.push(wake(600));
    tell('much later');
    reading.done();
    expect(transcript.slice(2)).toEqual(['step again', 'step much later']);
    env.advanceTo(1_000);
    expect(transcript.slice(4)).toEqual(['step wake at 600']);
    expect(env.waiting).toBe(0);
  });

  it('tells the core until when all has been read', () => {
    const told: (number | undefined)[] = [];
    const { env, reading, tell } = run((_, __, readUntilMs) => {
      told.push(readUntilMs);
      return [];
    });
    env.advanceTo(500);
    reading.readUntilMs = 200;
    tell('in the midst of much else');
    reading.readUntilMs = 500;
    tell('when it is done');
    expect(told).toEqual([200, 500]);
  });

  it('goes on when one effect fails, and says so', () => {
    const { transcript, fatal, tell } = run(
      () => [say('broken'), say('whole')],
      (text) => {
        if (text === 'broken') throw new Error('the socket is gone');
      },
    );
    tell('go');
    expect(transcript).toEqual(['step go', 'perform broken', 'error effect-failed', 'perform whole']);
    expect(fatal).toEqual([]);
  });

  it('stops when the core throws, and reports it', () => {
    const defect = new Error('an invariant does not hold');
    const { env, transcript, fatal, tell } = run((_, event) => {
      if (event.type === 'tell' && event.text === 'bad') throw defect;
      return [wake(10)];
    });
    tell('good');
    tell('bad');
    tell('ignored');
    env.advanceTo(1000);
    expect(transcript).toEqual(['step good', 'step bad', 'error core-failed']);
    expect(fatal).toEqual([defect]);
  });

  it('does nothing more once stopped, not even what was waiting', () => {
    const { env, runner, transcript, tell } = run(
      () => [wake(10), say('x'), say('y')],
      (text) => {
        tell('late');
        if (text === 'x') runner.stop();
      },
    );
    tell('go');
    env.advanceTo(1000);
    expect(transcript).toEqual(['step go', 'perform x', 'perform y']);
    expect(env.waiting).toBe(0);
  });

  it('writes what the core logs', () => {
    const { transcript, tell } = run(() => [{ type: 'log', level: 'warn', event: 'member-departed' }]);
    tell('go');
    expect(transcript).toEqual(['step go', 'warn member-departed']);
  });

  it('writes into each line by which request it was caused, where the event says so', () => {
    const lines: Record<string, unknown>[] = [];
    const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
    const runner = new CoreRunner<Told & { forRequest?: string }, LogEffect>({
      core: { step: () => [{ type: 'log', level: 'info', event: 'switched', fields: { version: 2 } }] },
      env: new ManualEnv(),
      logger: createLogger({ tier: 'test', level: 'debug', format: 'json', write }),
      perform: () => {},
      onFatal: () => {},
    });
    runner.dispatch({ type: 'tell', text: 'asked for', forRequest: 'deploy-7' });
    runner.dispatch({ type: 'tell', text: 'by itself' });
    expect(lines).toMatchObject([{ requestId: 'deploy-7', version: 2 }, { version: 2 }]);
    expect(lines[1]).not.toHaveProperty('requestId');
  });
});
