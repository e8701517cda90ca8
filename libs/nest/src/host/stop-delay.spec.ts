import { stopDelayOf } from './stop-delay.js';

describe('how long a server serves on that is about to stop', () => {
  it('is some seconds where others can look at it, nothing on loopback, and else what the settings say', () => {
    expect(stopDelayOf({ host: '0.0.0.0' })).toBe(5_000);
    expect(stopDelayOf({ host: '10.0.0.7' })).toBe(5_000);
    expect(stopDelayOf({ host: '127.0.0.1' })).toBe(0);
    expect(stopDelayOf({ host: 'localhost' })).toBe(0);
    expect(stopDelayOf({ host: '127.0.0.1', stopDelayMs: 700 })).toBe(700);
    expect(stopDelayOf({ host: '0.0.0.0', stopDelayMs: 0 })).toBe(0);
  });
});
