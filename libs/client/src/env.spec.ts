import { systemEnv } from './env.js';

describe('the real environment', () => {
  it('runs timers in order, never early and never within the call', async () => {
    const env = systemEnv();
    const ran: string[] = [];
    const startMs = env.nowMs();
    let early = 0;
    await new Promise<void>((resolve) => {
      const at = (name: string, ms: number): void => {
        env.at(ms, () => {
          if (env.nowMs() < ms) early++;
          if (ran.push(name) === 3) resolve();
        });
      };
      at('last', startMs + 12.7);
      at('middle', startMs + 3.3);
      at('past', startMs - 1000);
      expect(ran).toEqual([]);
    });
    // Where the process stands still meanwhile, a timer may come due before the next turn of the loop.
    expect(ran.filter((name) => name !== 'past')).toEqual(['middle', 'last']);
    expect(early).toBe(0);
  });

  it('cancels, whether due or not, and does not fire a timer that is months away', async () => {
    const env = systemEnv();
    const ran: string[] = [];
    const cancelPast = env.at(env.nowMs() - 1, () => ran.push('past'));
    const cancelSoon = env.at(env.nowMs() + 2, () => ran.push('soon'));
    const cancelFar = env.at(env.nowMs() + 2 ** 33, () => ran.push('far'));
    cancelPast();
    cancelSoon();
    await new Promise<void>((resolve) => env.at(env.nowMs() + 10, resolve));
    cancelFar();
    expect(ran).toEqual([]);
  });

  it('draws numbers from [0, 1) that do not repeat', () => {
    const { random } = systemEnv();
    const drawn = Array.from({ length: 2000 }, random);
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(new Set(drawn).size).toBe(2000);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.1);
  });
});
