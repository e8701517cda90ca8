import { flushLater } from './write-turns.js';

/** Something to be written, of which each flush is noted by name. */
function waiting(name: string, flushed: string[]): { flush(): void } {
  return { flush: () => void flushed.push(name) };
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('when sockets get what is to be written', () => {
  it('is at the end of the tick, once for all that one of them is sent in it', async () => {
    const flushed: string[] = [];
    const [a, b] = [waiting('a', flushed), waiting('b', flushed)];
    for (const each of [a, b, a, a]) flushLater(each);
    expect(flushed).toEqual([]);
    await tick();
    expect(flushed).toEqual(['a', 'b']);
    flushLater(a);
    await tick();
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
    await tick();
    expect(flushed).toEqual(names);
  });
});
