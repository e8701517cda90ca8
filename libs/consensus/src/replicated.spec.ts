import type { StateMachine } from './contract.js';
import { Replicated } from './replicated.js';

interface State {
  total: number;
  /** Came with a later version. */
  count: number;
}

const machine: StateMachine<number, State, number> = {
  initial: () => ({ total: 0, count: 0 }),
  apply: ({ total, count }, by) => ({ state: { total: total + by, count: count + 1 }, result: total + by }),
  restore: (saved) => {
    if (saved.total < 0) throw new Error('from the future');
    return { ...machine.initial(), ...saved };
  },
};

describe('a replicated state that comes from a snapshot', () => {
  it('is brought into the form of this version before anything is applied to it', () => {
    const saved = { state: { total: 5 } as State, clients: [] };
    const replicated = new Replicated(machine, 10, saved);
    expect(replicated.state).toEqual({ total: 5, count: 0 });
    expect(replicated.apply(1, { client: 'a', sequence: 1, command: 2 })).toMatchObject({ result: 7 });
    expect(replicated.image()).toMatchObject({ state: { total: 7, count: 1 } });
  });

  it('is refused where the state machine must not go on from it', () => {
    expect(() => new Replicated(machine, 10, { state: { total: -1, count: 0 }, clients: [] })).toThrow('future');
  });
});
