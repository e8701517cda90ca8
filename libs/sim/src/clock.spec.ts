import { VirtualClock } from './clock.js';

describe('VirtualClock', () => {
  it('runs what is due in order of time, then of insertion', () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.at(20, () => seen.push('late'));
    clock.at(10, () => seen.push('first at ten'));
    clock.at(10, () => seen.push('second at ten'));
    clock.at(5, () => clock.at(10, () => seen.push('third at ten')));
    clock.runUntil(100);
    expect(seen).toEqual(['first at ten', 'second at ten', 'third at ten', 'late']);
    expect(clock.nowMs()).toBe(100);
  });

  it('runs what is asked for the past now, and never turns back', () => {
    const clock = new VirtualClock();
    clock.runUntil(50);
    const seen: number[] = [];
    clock.at(10, () => seen.push(clock.nowMs()));
    clock.runUntil(60);
    expect(seen).toEqual([50]);
  });

  it('forgets what was cancelled', () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    const cancel = clock.at(10, () => seen.push(1));
    clock.at(5, cancel);
    clock.runUntil(20);
    expect(seen).toEqual([]);
    expect(clock.next()).toBe(false);
  });

  it('keeps the order of many random times', () => {
    const clock = new VirtualClock();
    const times = Array.from({ length: 500 }, (_, i) => (i * 7919) % 503);
    const seen: number[] = [];
    for (const time of times) clock.at(time, () => seen.push(time));
    clock.runUntil(1_000);
    expect(seen).toEqual(times.toSorted((a, b) => a - b));
  });

  it('names a livelock instead of hanging', () => {
    const clock = new VirtualClock();
    const again = (): void => {
      clock.at(1, again);
    };
    again();
    expect(() => clock.runUntil(2)).toThrow(/Livelock/);
  });
});
