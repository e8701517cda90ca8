import { closeLater, flushLater } from './write-turns.js';

/** Something to be written, of which each flush is noted by name. */
function waiting(name: string, flushed: string[]): { flush(): void } {
  return { flush: () => void flushed.push(name) };
}

/** Long enough for all that was to be written in the turn under way. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('when sockets get what is to be written', () => {
  it('is at the end of the turn, once for all that one of them is sent in it', async () => {
    const flushed: string[] = [];
    const [a, b] = [waiting('a', flushed), waiting('b', flushed)];
    for (const each of [a, b, a, a]) flushLater(each);
    expect(flushed).toEqual([]);
    await turn();
    expect(flushed).toEqual(['a', 'b']);
    flushLater(a);
    await turn();
    expect(flushed).toEqual(['a', 'b', 'a']);
  });

  it('is before that where very many are written to, so that the first does not wait for the last', async () => {
    const flushed: string[] = [];
    const names = Array.from({ length: 1_000 }, (_, i) => `socket-${i}`);
    for (const [i, name] of names.entries()) {
      flushLater(waiting(name, flushed));
      expect(i - flushed.length).toBeLessThan(100);
    }
    expect(flushed.length).toBeGreaterThan(900);
    await turn();
    expect(flushed).toEqual(names);
  });

  it('is once for what several callbacks of one turn bring', async () => {
    const flushed: string[] = [];
    const socket = waiting('socket', flushed);
    const callback = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
    for (let i = 0; i < 3; i++) {
      flushLater(socket);
      await callback();
    }
    expect(flushed).toEqual([]);
    await turn();
    expect(flushed).toEqual(['socket']);
  });

  it('is in the same turn for lists of messages that end with it', async () => {
    const flushed: string[] = [];
    const socket = waiting('socket', flushed);
    const list = {
      flush: () => {
        flushed.push('list');
        flushLater(socket);
      },
    };
    closeLater(list);
    flushLater(waiting('other socket', flushed));
    closeLater(list);
    await turn();
    expect(flushed).toEqual(['list', 'other socket', 'socket']);
  });

  it('is before the end of a turn that takes long, for lists of messages and where they go', async () => {
    const flushed: string[] = [];
    const socket = waiting('socket', flushed);
    const list = (name: string): { flush(): void } => ({
      flush: () => {
        flushed.push(name);
        flushLater(socket);
      },
    });
    closeLater(list('first'));
    for (const untilMs = performance.now() + 50; performance.now() < untilMs;);
    expect(flushed).toEqual([]);
    closeLater(list('heartbeat'));
    expect(flushed).toEqual(['first', 'heartbeat', 'socket']);
    closeLater(list('right after it'));
    expect(flushed).toHaveLength(3);
    await turn();
    expect(flushed).toEqual(['first', 'heartbeat', 'socket', 'right after it', 'socket']);
  });

  it('is in the next turn for what the writing itself brings', async () => {
    const flushed: string[] = [];
    const again = waiting('again', flushed);
    flushLater({ flush: () => flushLater(again) });
    await turn();
    expect(flushed).toEqual([]);
    await turn();
    expect(flushed).toEqual(['again']);
  });

  it('comes for the others where one of them throws', async () => {
    const flushed: string[] = [];
    const names = Array.from({ length: 100 }, (_, i) => `socket-${i}`);
    flushLater({
      flush: () => {
        throw new Error('not this one');
      },
    });
    const failed: unknown[] = [];
    for (const name of names)
      try {
        flushLater(waiting(name, flushed));
      } catch (error) {
        failed.push(error);
      }
    await turn();
    await turn();
    expect(failed).toEqual([new Error('not this one')]);
    expect(flushed.toSorted()).toEqual(names.toSorted());
    flushLater(waiting('afterwards', flushed));
    await turn();
    expect(flushed.at(-1)).toBe('afterwards');
  });
});
