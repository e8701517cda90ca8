import type { Member } from '#model';
import type { MetaCommand, MetaState } from '../contract.js';
import { createMetaStateMachine } from '../state.js';

const machine = createMetaStateMachine(2);
const bootstrap: MetaCommand = { type: 'bootstrap', clusterId: 'here', slotCount: 4 };
const raise = (level: number): MetaCommand => ({ type: 'raiseFeatureLevel', level });

function join(incarnation: string, featureLevel?: number): MetaCommand {
  const member: Member = {
    role: 'data',
    incarnation,
    address: `${incarnation}:1`,
    httpAddress: '',
    zone: '',
    weight: 1,
  };
  return { type: 'join', member: { ...member, ...(featureLevel === undefined ? {} : { featureLevel }) } };
}

function after(...commands: MetaCommand[]): MetaState {
  return commands.reduce((state, command) => machine.apply(state, command).state, machine.initial());
}

describe('the feature level', () => {
  it('is 1 in a new cluster, and rises step by step', () => {
    expect(machine.initial().featureLevel).toBe(1);
    expect(after(bootstrap, raise(3)).featureLevel).toBe(1);
    const { state, result } = machine.apply(after(bootstrap), raise(2));
    expect(result).toEqual({ changed: true, epoch: 1, version: 2 });
    expect(machine.apply(state, raise(2)).result.changed).toBe(false);
    expect(machine.apply(state, raise(1)).result.changed).toBe(false);
  });

  it('waits for every member, also one that joined while the command was on its way', () => {
    expect(after(bootstrap, join('a', 2), join('b'), raise(2)).featureLevel).toBe(1);
    expect(after(bootstrap, join('a', 2), join('b', 3), raise(2)).featureLevel).toBe(2);
  });

  it('keeps out who supports less', () => {
    const { table } = after(bootstrap, raise(2), join('a'), join('b', 1), join('c', 2));
    expect(table.members.map(({ incarnation }) => incarnation)).toEqual(['c']);
  });

  it('ends a node that does not support it, and says what to start instead', () => {
    const old = createMetaStateMachine(1);
    const failure = expect.objectContaining({
      code: 'UNSUPPORTED_LEVEL',
      message: expect.stringMatching(/at feature level 2.*up to 1.*Start a version .* feature level 2/),
      details: { needed: 2, supported: 1 },
    });
    expect(() => old.apply(after(bootstrap), raise(2))).toThrow(failure);
    // Where it changes nothing, it asks nothing of anybody.
    expect(old.apply(after(bootstrap, join('a')), raise(2)).result.changed).toBe(false);
    expect(() => old.restore(after(bootstrap, raise(2)))).toThrow(failure);
    expect(machine.restore(after(bootstrap, raise(2))).featureLevel).toBe(2);
  });
});
