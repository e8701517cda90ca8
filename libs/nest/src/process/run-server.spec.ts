import { jest } from '@jest/globals';
import { RegistryError } from '#model';
import { type RunningServer, type ServerProcess, runServer } from './run-server.js';

/** A process that records how it ends, and can be sent signals. */
class FakeProcess implements ServerProcess {
  readonly exits: number[] = [];
  errors = '';
  readonly stderr = { write: (text: string): void => void (this.errors += text) };
  readonly ended: Promise<number>;
  private readonly listeners: [string, () => void][] = [];
  private end!: (code: number) => void;

  constructor() {
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  on(signal: string, listener: () => void): void {
    this.listeners.push([signal, listener]);
  }

  off(signal: string, listener: () => void): void {
    const index = this.listeners.findIndex(([name, known]) => name === signal && known === listener);
    if (index >= 0) this.listeners.splice(index, 1);
  }

  exit(code: number): void {
    this.exits.push(code);
    this.end(code);
  }

  send(signal: 'SIGINT' | 'SIGTERM'): void {
    for (const [name, listener] of this.listeners.slice()) if (name === signal) listener();
  }

  get listening(): number {
    return this.listeners.length;
  }
}

/** A server whose close takes until `finishClose`. */
function slowServer(): { server: RunningServer; closes: () => number; finishClose: () => void } {
  let closes = 0;
  let finishClose!: () => void;
  const closed = new Promise<void>((resolve) => (finishClose = resolve));
  const server = {
    close: () => {
      closes++;
      return closed;
    },
  };
  return { server, closes: () => closes, finishClose };
}

/** Lets everything that is already settled run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the life of a server process', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('closes once and exits with 0 at %s', async (signal) => {
    const host = new FakeProcess();
    const { server, closes, finishClose } = slowServer();
    await runServer('meta', async () => server, { process: host });
    host.send(signal);
    await settle();
    expect([closes(), host.exits]).toEqual([1, []]);
    finishClose();
    expect(await host.ended).toBe(0);
    expect([host.errors, host.listening]).toEqual(['', 0]);
  });

  it('takes the second Ctrl-C of a terminal for the first, and a later one as impatience', async () => {
    const host = new FakeProcess();
    let nowMs = 0;
    const { server, closes } = slowServer();
    await runServer('meta', async () => server, { process: host, nowMs: () => nowMs });
    host.send('SIGINT');
    nowMs = 900;
    host.send('SIGINT');
    await settle();
    expect([closes(), host.exits]).toEqual([1, []]);
    nowMs = 3000;
    host.send('SIGINT');
    expect(await host.ended).toBe(1);
    expect(host.errors).toContain('without waiting');
  });

  it('waits for a start that is under way before it closes', async () => {
    const host = new FakeProcess();
    const { server, closes, finishClose } = slowServer();
    let started!: (server: RunningServer) => void;
    const running = runServer('data', () => new Promise((resolve) => (started = resolve)), { process: host });
    await settle();
    host.send('SIGTERM');
    await settle();
    expect([closes(), host.exits]).toEqual([0, []]);
    started(server);
    finishClose();
    await running;
    expect(await host.ended).toBe(0);
    expect(closes()).toBe(1);
  });

  it('ends without a clean close when that takes too long', async () => {
    const host = new FakeProcess();
    await runServer('data', async () => slowServer().server, { process: host, closeTimeoutMs: 5 });
    host.send('SIGTERM');
    expect(await host.ended).toBe(1);
    expect(host.errors).toContain('did not close within 5 ms');
  });

  it('leaves a server that first sends its clients away the time that it says it needs for that', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      const host = new FakeProcess();
      await runServer('session', async () => ({ ...slowServer().server, drainMs: 60_000 }), {
        process: host,
        closeTimeoutMs: 5,
      });
      host.send('SIGTERM');
      await settle();
      jest.advanceTimersByTime(60_004);
      expect(host.exits).toEqual([]);
      jest.advanceTimersByTime(1);
      expect(await host.ended).toBe(1);
    } finally {
      jest.useRealTimers();
    }
  });

  it('tells a failure to start in one line without a stack and exits with 1', async () => {
    const host = new FakeProcess();
    const start = (): Promise<RunningServer> => {
      throw new RegistryError('INVALID_CONFIGURATION', 'session.zone must be a name');
    };
    await runServer('session', start, { process: host });
    expect(host.exits).toEqual([1]);
    expect(host.errors).toBe('session: session.zone must be a name (INVALID_CONFIGURATION)\n');
  });

  it('shows the stack of a defect, also of one met while running', async () => {
    const host = new FakeProcess();
    let fail!: (error: unknown) => void;
    const start = async (end: (error: unknown) => void): Promise<RunningServer> => {
      fail = end;
      return slowServer().server;
    };
    await runServer('session', start, { process: host });
    fail(new TypeError('broken'));
    fail(new TypeError('once is enough'));
    expect(host.exits).toEqual([1]);
    expect(host.errors).toMatch(/^session: TypeError: broken\n {4}at /);
  });
});
