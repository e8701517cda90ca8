import { createLogger } from '../host/logger.js';
import type { FromWorker, ToWorker } from './messages.js';
import { WorkerPool, type WorkerProcess } from './worker-pool.js';

class FakeWorker implements WorkerProcess {
  readonly sent: ToWorker[] = [];
  isKilled = false;
  private listener: (message: FromWorker) => void = () => {};
  private exit: (how: string) => void = () => {};

  constructor(readonly pid: number) {}

  send(message: ToWorker): void {
    this.sent.push(message);
  }

  kill(): void {
    this.isKilled = true;
  }

  onMessage(listener: (message: FromWorker) => void): void {
    this.listener = listener;
  }

  onExit(listener: (how: string) => void): void {
    this.exit = listener;
  }

  says(message: FromWorker): void {
    this.listener(message);
  }

  ends(how = 'code 1'): void {
    this.exit(how);
  }
}

/** A pool under virtual time; each worker ever started, in order. */
function poolOf(count: number) {
  let nowMs = 0;
  let timers: { ms: number; run: () => void }[] = [];
  const workers: FakeWorker[] = [];
  const logged: string[] = [];
  const numbers: number[] = [];
  const pool = new WorkerPool({
    count,
    fork: (number) => {
      numbers.push(number);
      workers.push(new FakeWorker(100 + workers.length));
      return workers.at(-1)!;
    },
    env: {
      nowMs: () => nowMs,
      at: (ms, run) => {
        const timer = { ms, run };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
      },
    },
    logger: createLogger({ tier: 'test', level: 'warn', format: 'json', write: (line) => logged.push(line) }),
    remains: { counts: (earlier, last) => Number(earlier ?? 0) + Number(last) },
  });
  const pass = (ms: number): void => {
    nowMs += ms;
    const due = timers.filter((timer) => timer.ms <= nowMs);
    timers = timers.filter((timer) => timer.ms > nowMs);
    for (const { run } of due) run();
  };
  return { pool, workers, numbers, logged, pass };
}

async function started(count: number) {
  const all = poolOf(count);
  const starting = all.pool.start();
  all.workers.forEach((worker, index) => worker.says({ type: 'serving', address: `a:${index + 1}` }));
  await starting;
  return all;
}

describe('the workers of a server', () => {
  it('have started when all of them serve', async () => {
    const { pool, workers } = poolOf(2);
    let isDone = false;
    const starting = pool.start().then(() => (isDone = true));
    workers[0]!.says({ type: 'serving', address: 'a:1' });
    await new Promise(setImmediate);
    expect(isDone).toBe(false);
    workers[1]!.says({ type: 'serving', address: 'a:2' });
    await starting;
    expect(pool.addresses).toEqual(['a:1', 'a:2']);
  });

  it('have not started when one of them cannot, and then none is left', async () => {
    const { pool, workers, numbers, pass } = poolOf(2);
    const starting = pool.start();
    workers[0]!.says({ type: 'serving', address: 'a:1' });
    workers[1]!.ends('code 1');
    await expect(starting).rejects.toThrow('Worker 2 ended before it served: code 1.');
    expect(workers[0]!.isKilled).toBe(true);
    pass(60_000);
    expect(numbers).toEqual([1, 2]);
  });

  it('are replaced one by one, after a wait that grows while they end soon, and at once after they have lasted', async () => {
    const { workers, numbers, pass } = await started(2);
    pass(60_000);
    workers[1]!.ends();
    pass(0);
    expect(numbers).toEqual([1, 2, 2]);
    const waitsMs: number[] = [];
    for (let i = 0; i < 8; i++) {
      const count = numbers.length;
      workers.at(-1)!.ends();
      let waitedMs = 0;
      for (; numbers.length === count; waitedMs += 100) pass(100);
      waitsMs.push(waitedMs);
    }
    expect(waitsMs).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    expect(numbers.filter((number) => number === 1)).toHaveLength(1);
  });

  it('stop together, each told of the others', async () => {
    const { pool, workers, numbers, pass } = await started(3);
    workers[2]!.ends();
    let isDone = false;
    const closing = pool.close().then(() => (isDone = true));
    expect(workers[0]!.sent).toEqual([{ type: 'stop', siblings: ['a:2'] }]);
    expect(workers[1]!.sent).toEqual([{ type: 'stop', siblings: ['a:1'] }]);
    workers[0]!.ends('code 0');
    await new Promise(setImmediate);
    expect(isDone).toBe(false);
    workers[1]!.ends('code 0');
    await closing;
    pass(60_000);
    expect(numbers).toHaveLength(3);
  });

  it('answer together what one is asked, without those who end or say nothing', async () => {
    const { workers, pass } = await started(3);
    const [first, second, third] = workers as [FakeWorker, FakeWorker, FakeWorker];
    first.says({ type: 'ask', id: 7, about: 'metrics' });
    const asked = second.sent.at(-1) as ToWorker & { type: 'question' };
    expect(asked).toMatchObject({ type: 'question', about: 'metrics', siblings: ['a:1', 'a:3'] });
    second.says({ type: 'answer', id: asked.id, answer: 'two' });
    second.says({ type: 'answer', id: asked.id, answer: 'two again' });
    first.says({ type: 'answer', id: asked.id, answer: 'one' });
    expect(first.sent.at(-1)).toMatchObject({ type: 'question' });
    third.ends();
    expect(first.sent.at(-1)).toEqual({ type: 'answers', id: 7, answers: ['two', 'one'] });
    second.says({ type: 'ask', id: 1, about: 'metrics' });
    pass(1_000);
    expect(second.sent.at(-1)).toEqual({ type: 'answers', id: 1, answers: [] });
  });

  it('count in their answers what those had counted who are late or have ended', async () => {
    const { workers, pass } = await started(3);
    const [first, second, third] = workers as [FakeWorker, FakeWorker, FakeWorker];
    let asked = 0;
    const ask = (): void => first.says({ type: 'ask', id: ++asked, about: 'counts' });
    const says = (worker: FakeWorker, answer: number): void => worker.says({ type: 'answer', id: asked, answer });
    const answers = (): unknown => first.sent.at(-1);
    ask();
    [first, second, third].forEach((worker, index) => says(worker, 10 * (index + 1)));
    expect(answers()).toEqual({ type: 'answers', id: 1, answers: [10, 20, 30] });
    ask();
    says(first, 11);
    pass(1_000);
    expect(answers()).toEqual({ type: 'answers', id: 2, answers: [11, 20, 30] });
    second.ends();
    third.ends();
    ask();
    says(first, 12);
    expect(answers()).toEqual({ type: 'answers', id: 3, answers: [12, 50] });
  });

  it('answer without one that cannot, which is logged', async () => {
    const { workers, logged } = await started(2);
    const [first, second] = workers as [FakeWorker, FakeWorker];
    first.says({ type: 'ask', id: 1, about: 'counts' });
    second.says({ type: 'answer', id: 1, failure: 'not yet' });
    first.says({ type: 'answer', id: 1, answer: 5 });
    expect(first.sent.at(-1)).toEqual({ type: 'answers', id: 1, answers: [5] });
    expect(JSON.parse(logged[0]!)).toMatchObject({ worker: 2, about: 'counts', failure: 'not yet' });
  });
});
