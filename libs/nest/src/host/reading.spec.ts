import { type EventLoop, Reading } from './reading.js';

/** An event loop in which time passes when it is told to. */
class ManualLoop implements EventLoop {
  private now = 1_000;
  private idle = 0;
  private after: (() => void)[] = [];

  nowMs = (): number => this.now;
  idleMs = (): number => this.idle;
  afterTurn = (run: () => void): void => void this.after.push(run);

  waits(ms: number): void {
    this.now += ms;
    this.idle += ms;
  }

  works(ms: number): void {
    this.now += ms;
  }

  endTurn(): void {
    const after = this.after;
    this.after = [];
    for (const run of after) run();
  }
}

describe('until when all has been read', () => {
  let loop: ManualLoop;
  let reading: Reading;

  beforeEach(() => {
    loop = new ManualLoop();
    reading = new Reading(loop);
  });

  it('is now, for who had nothing to do', () => {
    for (let i = 0; i < 3; i++) {
      loop.waits(500);
      expect(reading.untilMs()).toBe(loop.nowMs());
      loop.endTurn();
    }
  });

  it('is the beginning of the turn before, as long as there is always something to read', () => {
    loop.waits(1_000);
    reading.untilMs();
    for (let i = 0; i < 4; i++) loop.works(1_000);
    expect(reading.untilMs()).toBe(2_000);
    loop.endTurn();
    loop.works(5);
    expect(reading.untilMs()).toBe(2_000);
    loop.works(3_000);
    expect(reading.untilMs()).toBe(2_000);
    loop.endTurn();
    expect(reading.untilMs()).toBe(6_005);
  });

  it('is no later for a wait in which the processor may have been elsewhere', () => {
    loop.waits(1_000);
    reading.untilMs();
    loop.works(4_000);
    loop.endTurn();
    loop.waits(10);
    expect(reading.untilMs()).toBe(2_000);
  });

  it('is at least the beginning of the turn, for what is to run when all of it is read', () => {
    reading.untilMs();
    loop.endTurn();
    // A timer that is late, in a process that is never idle.
    loop.works(5_000);
    const beganAtMs = loop.nowMs();
    let readUntilMs: number | undefined;
    reading.whenRead(() => (readUntilMs = reading.untilMs()));
    loop.works(700);
    expect(readUntilMs).toBeUndefined();
    loop.endTurn();
    expect(readUntilMs).toBe(beganAtMs);
  });
});
