import { LogLimiter } from './log-limiter.js';

describe('how often an event is written', () => {
  const limiter = () => new LogLimiter({ burst: 2, everyMs: 100 });
  const written = (of: LogLimiter, nowMs: number, event = 'same') => of.take(nowMs, event);

  it('is as often as it happens, while that is not often', () => {
    const limited = limiter();
    for (let nowMs = 0; nowMs < 10_000; nowMs += 100) expect(written(limited, nowMs)).toBe(0);
  });

  it('is once in a while when it happens all the time, with how many were not written', () => {
    const limited = limiter();
    expect([0, 0, 0, 50, 99].map((nowMs) => written(limited, nowMs))).toEqual([0, 0, undefined, undefined, undefined]);
    expect(written(limited, 100)).toBe(3);
    expect(written(limited, 150)).toBeUndefined();
    expect(written(limited, 200)).toBe(1);
  });

  it('is no more than the burst after a long pause', () => {
    const limited = limiter();
    written(limited, 0);
    expect([1, 2, 3].map(() => written(limited, 1_000_000))).toEqual([0, 0, undefined]);
  });

  it('is nothing to other events, and a clock that goes back gives nothing', () => {
    const limited = limiter();
    for (let i = 0; i < 5; i++) written(limited, 1_000);
    expect(written(limited, 1_000, 'another')).toBe(0);
    expect(written(limited, 0)).toBeUndefined();
  });

  it('takes bounded memory, whatever events are called', () => {
    const limited = limiter();
    for (let i = 0; i < 999; i++) written(limited, 0, `event-${i}`);
    expect(written(limited, 0, 'the-last-of-its-own')).toBe(0);
    const shared = Array.from({ length: 4 }, (_, i) => written(limited, 0, `made-up-${i}`));
    expect(shared).toEqual([0, 0, undefined, undefined]);
    expect(written(limited, 0, 'the-last-of-its-own')).toBe(0);
  });
});
