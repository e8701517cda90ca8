import * as fc from 'fast-check';
import type { StateMachine } from './contract.js';
import { Replicated } from './replicated.js';

const machine: StateMachine<string, string[], number> = {
  initial: () => [],
  apply: (state, command) => ({ state: [...state, command], result: state.length + 1 }),
};

describe('the replicated state', () => {
  const begin = (maxClients = 10): Replicated<string, string[], number> => new Replicated(machine, maxClients);

  it('applies a proposal once, and answers a repetition with the first result', () => {
    const replicated = begin();
    const first = replicated.apply(5, { client: 'a', sequence: 1, command: 'x' });
    expect(first).toEqual({ status: 'applied', index: 5, result: 1 });
    replicated.apply(6, { client: 'b', sequence: 1, command: 'y' });
    expect(replicated.apply(7, { client: 'a', sequence: 1, command: 'x' })).toEqual({
      status: 'repeated',
      index: 5,
      result: 1,
    });
    expect(replicated.state).toEqual(['x', 'y']);
  });

  it('does not apply what its client has gone beyond', () => {
    const replicated = begin();
    replicated.apply(1, { client: 'a', sequence: 2, command: 'x' });
    expect(replicated.apply(2, { client: 'a', sequence: 1, command: 'old' })).toEqual({
      status: 'superseded',
      lastSequence: 2,
    });
    expect(replicated.state).toEqual(['x']);
  });

  it('remembers so many clients, and forgets the one silent for longest', () => {
    const replicated = begin(2);
    for (const [index, client] of ['a', 'b', 'a', 'c'].entries())
      replicated.apply(index, { client, sequence: index + 1, command: client });
    expect(replicated.image().clients.map(([client]) => client)).toEqual(['a', 'c']);
    expect(replicated.apply(9, { client: 'a', sequence: 3, command: 'a' }).status).toBe('repeated');
    expect(replicated.apply(10, { client: 'b', sequence: 2, command: 'b' }).status).toBe('applied');
  });

  it('goes on from its image, taken anywhere, as if it had never been taken', () => {
    const proposal = fc.record({
      client: fc.constantFrom('a', 'b', 'c', 'd'),
      sequence: fc.integer({ min: 1, max: 6 }),
      command: fc.string({ maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(proposal), fc.nat(), fc.integer({ min: 1, max: 4 }), (proposals, at, maxClients) => {
        const whole = begin(maxClients);
        let other = begin(maxClients);
        for (const [i, each] of proposals.entries()) {
          if (i === at % proposals.length) {
            const image = JSON.parse(JSON.stringify(other.image())) as ReturnType<typeof other.image>;
            other = new Replicated(machine, maxClients, image);
          }
          expect(other.apply(i + 1, each)).toEqual(whole.apply(i + 1, each));
        }
        expect(other.image()).toEqual(whole.image());
      }),
    );
  });
});

interface State {
  total: number;
  /** Came with a later version. */
  count: number;
}

const counter: StateMachine<number, State, number> = {
  initial: () => ({ total: 0, count: 0 }),
  apply: ({ total, count }, by) => ({ state: { total: total + by, count: count + 1 }, result: total + by }),
  restore: (saved) => {
    if (saved.total < 0) throw new Error('from the future');
    return { ...counter.initial(), ...saved };
  },
};

describe('a replicated state that comes from a snapshot', () => {
  it('is brought into the form of this version before anything is applied to it', () => {
    const saved = { state: { total: 5 } as State, clients: [] };
    const replicated = new Replicated(counter, 10, saved);
    expect(replicated.state).toEqual({ total: 5, count: 0 });
    expect(replicated.apply(1, { client: 'a', sequence: 1, command: 2 })).toMatchObject({ result: 7 });
    expect(replicated.image()).toMatchObject({ state: { total: 7, count: 1 } });
  });

  it('is refused where the state machine must not go on from it', () => {
    expect(() => new Replicated(counter, 10, { state: { total: -1, count: 0 }, clients: [] })).toThrow('future');
  });
});
