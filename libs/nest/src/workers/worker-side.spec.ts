import type { FromWorker, ToWorker } from './messages.js';
import { WorkerSide } from './worker-side.js';

/** A worker whose messages to the process that started it are kept. */
function worker() {
  const sent: FromWorker[] = [];
  const listeners = new Map<string, (message: ToWorker) => void>();
  const exits: number[] = [];
  const side = new WorkerSide({
    send: (message) => void sent.push(message),
    on: (event, listener) => listeners.set(event, listener),
    exit: (code) => exits.push(code),
    stderr: { write: () => true },
  });
  const signal = (name: string): void => listeners.get(name)!(undefined as never);
  return { side, sent, exits, signal, told: (message: ToWorker) => listeners.get('message')!(message) };
}

const SHARED = { socket: {} };

describe('a worker', () => {
  it('asks all over the shared port, and answers by itself over its own', async () => {
    const { side, sent, told } = worker();
    side.answer('size', (siblings) => 10 + siblings.length);
    const own = { socket: {} };
    side.meansOne(own.socket);
    expect(await side.ask('size', own)).toEqual([10]);
    expect(sent).toEqual([]);
    const answers = side.ask('size', SHARED);
    expect(sent).toEqual([{ type: 'ask', id: 1, about: 'size' }]);
    told({ type: 'answers', id: 1, answers: [11, 12] });
    expect(await answers).toEqual([11, 12]);
  });

  it('answers when it is asked, or says why it cannot', async () => {
    const { side, sent, told } = worker();
    side.answer('size', (siblings) => 10 + siblings.length);
    side.answer('fault', () => {
      throw new Error('not yet');
    });
    for (const [id, about] of ['size', 'fault', 'unknown'].entries())
      told({ type: 'question', id, about, siblings: ['a:2', 'a:3'] });
    await new Promise(setImmediate);
    expect(sent.toSorted((a, b) => Number(a.type === 'answer' && a.id) - Number(b.type === 'answer' && b.id))).toEqual([
      { type: 'answer', id: 0, answer: 12 },
      { type: 'answer', id: 1, failure: 'Error: not yet' },
      { type: 'answer', id: 2, failure: 'Nobody answers to unknown here.' },
    ]);
  });

  it('stops when it is told to, with those who go as well, and not at signals that all processes get', () => {
    const { side, signal, told } = worker();
    let stops = 0;
    const stop = (): void => void stops++;
    side.process.on('SIGTERM', stop);
    side.process.on('SIGINT', () => stops++);
    signal('SIGINT');
    signal('SIGTERM');
    expect(stops).toBe(0);
    told({ type: 'stop', siblings: ['a:2'] });
    expect(stops).toBe(1);
    expect(side.leaving).toEqual(['a:2']);
    side.process.off('SIGTERM', stop);
    told({ type: 'stop', siblings: [] });
    expect(stops).toBe(1);
  });
});
