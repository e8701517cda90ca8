import * as fc from 'fast-check';
import { MemoryDisk, MemoryLogStore, SingleNode, type SingleNodeLimits, type StateMachine } from './index.js';

/** A counter by name: every mistake in order, repetition or recovery shows in the numbers. */
type Command = { add: number; to: string } | { explode: true };
type State = Record<string, number>;

const machine: StateMachine<Command, State, number> = {
  initial: () => ({}),
  apply(state, command) {
    if ('explode' in command) throw new Error('boom');
    const sum = (state[command.to] ?? 0) + command.add;
    return { state: { ...state, [command.to]: sum }, result: sum };
  },
};

const codec = {
  encode: (value: unknown) => new TextEncoder().encode(JSON.stringify(value)),
  decode: (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
};

const add = (value: number, to = 'x'): Command => ({ add: value, to });

describe('a consensus group of one', () => {
  let disk: MemoryDisk;
  let node: SingleNode<Command, State, number>;
  let sequence: number;

  const open = async (limits: Partial<SingleNodeLimits> = {}): Promise<SingleNode<Command, State, number>> =>
    SingleNode.open({ store: new MemoryLogStore(disk), machine, codec, limits });

  const propose = (command: Command, client = 'me'): Promise<{ index: number; result: number }> =>
    node.propose({ client, sequence: ++sequence }, command);

  const state = (): Promise<State> => node.read((held) => held, 'linearizable');

  const restart = async (limits?: Partial<SingleNodeLimits>): Promise<void> => {
    await node.close();
    node = await open(limits);
  };

  /** Every write to the log's medium, to see what was written together. */
  const countWrites = (): (() => number) => {
    let writes = 0;
    const write = disk.write.bind(disk);
    disk.write = (operations) => {
      writes++;
      return write(operations);
    };
    return () => writes;
  };

  beforeEach(async () => {
    disk = new MemoryDisk();
    sequence = 0;
    node = await open();
  });

  afterEach(() => node.close());

  describe('proposals', () => {
    it('are applied in the order in which they were made', async () => {
      const answers = await Promise.all([propose(add(1)), propose(add(10)), propose(add(100))]);
      expect(answers.map(({ result }) => result)).toEqual([1, 11, 111]);
      expect(answers.map(({ index }) => index)).toEqual([2, 3, 4]);
      expect(await state()).toEqual({ x: 111 });
    });

    it('are neither answered nor visible before they are durable', async () => {
      const resume = disk.pause();
      let answered = false;
      const proposed = propose(add(1)).then(() => (answered = true));
      for (let turns = 0; turns < 20; turns++) await Promise.resolve();
      expect(answered).toBe(false);
      expect(await state()).toEqual({});
      resume();
      await proposed;
      expect(await state()).toEqual({ x: 1 });
    });

    it('that arrive while a write is in flight share the next one', async () => {
      const resume = disk.pause();
      const writes = countWrites();
      const first = propose(add(1));
      for (let turns = 0; turns < 20; turns++) await Promise.resolve();
      const others = Array.from({ length: 500 }, () => propose(add(1)));
      resume();
      await Promise.all([first, ...others]);
      expect(writes()).toBe(2);
    });

    it('are logged as they were when made, whatever becomes of the object', async () => {
      const command = { add: 1, to: 'x' };
      const proposed = propose(command);
      command.add = 1000;
      await proposed;
      expect(await state()).toEqual({ x: 1 });
    });

    it('beyond the bound are refused, and can be made again later', async () => {
      await restart({ pendingProposals: 2 });
      const attempts = await Promise.allSettled([propose(add(1)), propose(add(1)), propose(add(1))]);
      expect(attempts.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
      expect(attempts[2]).toMatchObject({ reason: { code: 'OVERLOADED' } });
      await node.propose({ client: 'me', sequence: 3 }, add(1));
      expect(await state()).toEqual({ x: 3 });
    });
  });

  describe('a repeated proposal', () => {
    it('is answered like the first, and applied once', async () => {
      const first = await node.propose({ client: 'a', sequence: 1 }, add(5));
      expect(await node.propose({ client: 'a', sequence: 1 }, add(5))).toEqual(first);
      const both = [
        node.propose({ client: 'a', sequence: 2 }, add(5)),
        node.propose({ client: 'a', sequence: 2 }, add(5)),
      ];
      const [one, two] = await Promise.all(both);
      expect(two).toEqual(one);
      expect(await state()).toEqual({ x: 10 });
    });

    it('is known from the log and from a snapshot after a restart', async () => {
      const first = await node.propose({ client: 'a', sequence: 1 }, add(5));
      await restart({ snapshotEveryEntries: 1 });
      expect(await node.propose({ client: 'a', sequence: 1 }, add(5))).toEqual(first);
      await propose(add(0), 'b');
      expect(node.status().snapshotIndex).toBeGreaterThan(0);
      await restart();
      expect(await node.propose({ client: 'a', sequence: 1 }, add(5))).toEqual(first);
      expect(await state()).toEqual({ x: 5 });
    });

    it('that comes after a later one of the same client is refused, not applied', async () => {
      await node.propose({ client: 'a', sequence: 2 }, add(5));
      await expect(node.propose({ client: 'a', sequence: 1 }, add(7))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      await node.propose({ client: 'b', sequence: 1 }, add(1));
      expect(await state()).toEqual({ x: 6 });
    });

    it('is remembered for a bounded number of clients, those silent for longest forgotten first', async () => {
      await restart({ clients: 2 });
      await node.propose({ client: 'a', sequence: 1 }, add(1));
      await node.propose({ client: 'b', sequence: 1 }, add(1));
      await node.propose({ client: 'a', sequence: 2 }, add(1));
      await node.propose({ client: 'c', sequence: 1 }, add(1));
      await restart({ clients: 2 });
      await node.propose({ client: 'a', sequence: 2 }, add(1));
      await node.propose({ client: 'c', sequence: 1 }, add(1));
      expect(await state()).toEqual({ x: 4 });
      await node.propose({ client: 'b', sequence: 1 }, add(1));
      expect(await state()).toEqual({ x: 5 });
    });
  });

  describe('a restart', () => {
    it('finds everything acknowledged, in a new term', async () => {
      for (let i = 0; i < 10; i++) await propose(add(1, `k${i % 3}`));
      expect(node.status()).toMatchObject({ term: 1, index: 11 });
      await restart();
      expect(await state()).toEqual({ k0: 4, k1: 3, k2: 3 });
      expect(node.status()).toMatchObject({ term: 2, index: 12, leading: true });
    });

    it('needs only the last snapshot and what came after it', async () => {
      await restart({ snapshotEveryEntries: 7 });
      for (let i = 0; i < 30; i++) await propose(add(1));
      const entries = disk.keys().filter((key) => key.startsWith('entry/'));
      expect(entries.length).toBeLessThan(7);
      await restart();
      expect(await state()).toEqual({ x: 30 });
      await propose(add(1));
      expect(await state()).toEqual({ x: 31 });
    });

    it.each(['nothing', 'everything'] as const)(
      'after a power cut that kept %s unacknowledged loses nothing else',
      async (kept) => {
        await propose(add(1));
        disk.pause();
        const cut = propose(add(10));
        for (let turns = 0; turns < 20; turns++) await Promise.resolve();
        disk.loseUnsynced(kept);
        node = await open();
        expect(await state()).toEqual({ x: kept === 'nothing' ? 1 : 11 });
        cut.catch(() => {});
        // The client that got no answer asks again, and its command counts once.
        await node.propose({ client: 'me', sequence: 2 }, add(10));
        expect(await state()).toEqual({ x: 11 });
      },
    );

    it('refuses a log it cannot apply, names the entry, and leaves the log to others', async () => {
      await propose(add(1));
      const failed = propose({ explode: true });
      await expect(failed).rejects.toMatchObject({ code: 'INTERNAL' });
      await node.close();
      await expect(open()).rejects.toMatchObject({ code: 'INTERNAL', message: expect.stringContaining('Entry 3') });
      const tolerant = {
        ...machine,
        apply: (held: State, c: Command) => ('add' in c ? machine.apply(held, c) : { state: held, result: 0 }),
      };
      node = await SingleNode.open({ store: new MemoryLogStore(disk), machine: tolerant, codec });
      expect(await state()).toEqual({ x: 1 });
    });
  });

  describe('a failed write', () => {
    it('refuses everything that waits and everything after, and the node no longer leads', async () => {
      const leadership: boolean[] = [];
      node.onLeadership(({ leading }) => leadership.push(leading));
      const watched = node.watch(node.status().index)[Symbol.asyncIterator]().next();
      disk.failWrite(1);
      const first = propose(add(1));
      await Promise.resolve();
      const waiting = propose(add(1));
      await expect(first).rejects.toMatchObject({ code: 'STORE_FAILED' });
      await expect(waiting).rejects.toMatchObject({ code: 'STORE_FAILED' });
      await expect(watched).rejects.toMatchObject({ code: 'STORE_FAILED' });
      await expect(propose(add(1))).rejects.toMatchObject({ code: 'STORE_FAILED' });
      await expect(state()).rejects.toMatchObject({ code: 'STORE_FAILED' });
      expect(leadership).toEqual([true, false]);
      expect(node.status()).toMatchObject({ leading: false, failure: { code: 'STORE_FAILED' } });
    });

    it('of a snapshot is just as final, but takes back no answer', async () => {
      await restart({ snapshotEveryEntries: 3 });
      disk.failWrite(2);
      expect(await propose(add(1))).toMatchObject({ result: 1 });
      await expect(propose(add(1)).then(() => propose(add(1)))).rejects.toMatchObject({ code: 'STORE_FAILED' });
      await restart();
      expect((await state()).x).toBeGreaterThanOrEqual(1);
    });
  });

  describe('watchers', () => {
    const take = async (items: AsyncIterable<unknown>, count: number): Promise<unknown[]> => {
      const taken: unknown[] = [];
      for await (const item of items) if (taken.push(item) === count) break;
      return taken;
    };

    it('see each change once and in order, and not what was repeated', async () => {
      const seen = take(node.watch(node.status().index), 3);
      await node.propose({ client: 'a', sequence: 1 }, add(1));
      await node.propose({ client: 'a', sequence: 1 }, add(1));
      await Promise.all([propose(add(2)), propose(add(3))]);
      expect(await seen).toEqual([
        { index: 2, change: add(1) },
        { index: 4, change: add(2) },
        { index: 5, change: add(3) },
      ]);
    });

    it('can begin at any change still kept', async () => {
      for (let i = 1; i <= 5; i++) await propose(add(i));
      expect(await take(node.watch(4), 2)).toEqual([
        { index: 5, change: add(4) },
        { index: 6, change: add(5) },
      ]);
    });

    it('that begin before this start are given the state first, even an empty one', async () => {
      expect(await take(node.watch(0), 1)).toEqual([{ index: 1, snapshot: {} }]);
      await propose(add(1));
      await restart();
      const seen = take(node.watch(0), 2);
      await propose(add(2));
      expect(await seen).toEqual([
        { index: 3, snapshot: { x: 1 } },
        { index: 4, change: add(2) },
      ]);
    });

    it('that know a future of another log are given the state first', async () => {
      await propose(add(1));
      expect(await take(node.watch(1000), 1)).toEqual([{ index: 2, snapshot: { x: 1 } }]);
    });

    it('that fall behind skip to the present state and go on from there', async () => {
      await restart({ watchBacklog: 4 });
      const slow = node.watch(node.status().index)[Symbol.asyncIterator]();
      await propose(add(1));
      expect(await slow.next()).toMatchObject({ value: { change: add(1) } });
      for (let i = 0; i < 100; i++) await propose(add(1));
      const { index } = node.status();
      expect(await slow.next()).toEqual({ done: false, value: { index, snapshot: { x: 101 } } });
      await propose(add(7));
      expect(await slow.next()).toEqual({ done: false, value: { index: index + 1, change: add(7) } });
    });

    it('end when they are told to, even while they wait, and when the node closes', async () => {
      const { index } = node.status();
      const waiting = node.watch(index)[Symbol.asyncIterator]();
      const next = waiting.next();
      await waiting.return!();
      expect(await next).toEqual({ done: true, value: undefined });
      const seen = take(node.watch(index), 10);
      await propose(add(1));
      await node.close();
      expect(await seen).toEqual([{ index: index + 1, change: add(1) }]);
    });
  });

  describe('leadership', () => {
    it('is told at once and ends with the node; whoever stops listening hears nothing more', async () => {
      const heard: unknown[] = [];
      node.onLeadership((leadership) => heard.push(leadership));
      node.onLeadership(() => heard.push('stopped'))();
      await node.close();
      expect(heard).toEqual([{ term: 1, leading: true }, 'stopped', { term: 1, leading: false }]);
    });
  });

  describe('closing', () => {
    it('answers what is being written and refuses the rest', async () => {
      await restart({ batchEntries: 1 });
      const resume = disk.pause();
      const first = propose(add(1));
      for (let turns = 0; turns < 20; turns++) await Promise.resolve();
      const second = propose(add(1));
      const closing = node.close();
      resume();
      expect(await first).toMatchObject({ result: 1 });
      await expect(second).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
      await expect(propose(add(1))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
      await closing;
      await node.close();
      node = await open();
      expect(await state()).toEqual({ x: 1 });
    });
  });

  it('applies every command exactly once, whatever is cut off and asked again', async () => {
    expect.hasAssertions();
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 20 }).map((count) => ({ type: 'propose' as const, count })) },
      { weight: 1, arbitrary: fc.constant({ type: 'restart' as const }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }).map((nth) => ({ type: 'failWrite' as const, nth })) },
      {
        weight: 2,
        arbitrary: fc.record({
          type: fc.constant('power' as const),
          kept: fc.constantFrom('nothing' as const, 'everything' as const),
          count: fc.integer({ min: 1, max: 5 }),
        }),
      },
    );
    const limits = { snapshotEveryEntries: 5, batchEntries: 3 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await node.close();
        disk = new MemoryDisk();
        node = await open(limits);
        let made = 0;
        /** Makes each command until it is answered, as a client would, under the same sequence. */
        const proposeAll = async (count: number): Promise<void> => {
          for (const end = made + count; made < end; made++) {
            const attempt = (): Promise<unknown> => node.propose({ client: 'c', sequence: made }, add(1));
            await attempt().catch(async () => {
              await node.close();
              disk.failWrite(Infinity);
              node = await open(limits);
              await attempt();
            });
          }
        };
        for (const current of steps) {
          if (current.type === 'propose') await proposeAll(current.count);
          else if (current.type === 'failWrite') disk.failWrite(current.nth);
          else if (current.type === 'power') {
            disk.pause();
            const cut = Array.from({ length: current.count }, (_, i) =>
              node.propose({ client: 'c', sequence: made + i }, add(1)).catch(() => {}),
            );
            for (let turns = 0; turns < 20; turns++) await Promise.resolve();
            disk.loseUnsynced(current.kept);
            disk.failWrite(Infinity);
            await Promise.all(cut);
            node = await open(limits);
            // Some of them may have been written. A client goes on from the first it has no answer for; those that
            // were written are refused as superseded or answered again, so it counts only what the state does not hold.
            made = (await state()).x ?? 0;
          } else {
            disk.failWrite(Infinity);
            await restart(limits);
          }
        }
        disk.failWrite(Infinity);
        await restart(limits);
        expect((await state()).x ?? 0).toBe(made);
      }),
      { numRuns: 100 },
    );
  });
});
