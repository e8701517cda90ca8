import { DEFAULT_SWITCHES } from '#model';
import type { CommandOf } from '../contract.js';
import { metaStateMachine } from '../state.js';

type Changes = Omit<CommandOf<'setSwitches'>, 'type'>;

const apply = (state: ReturnType<typeof metaStateMachine.initial>, given: Changes) =>
  metaStateMachine.apply(state, { type: 'setSwitches', ...given });
const initial = metaStateMachine.initial();

describe('setting switches', () => {
  it('begins with every switch at what does nothing', () => {
    expect(initial.switches).toEqual({ version: 0, switches: DEFAULT_SWITCHES });
  });

  it('changes what is named, leaves the rest, and leaves the epoch of the table alone', () => {
    const readOnly = apply(initial, { changes: { readOnly: true } });
    expect(readOnly.result).toEqual({ changed: true, epoch: 0, version: 1 });
    const both = apply(readOnly.state, { changes: { stopPush: { scope: 'zones', zones: ['east'] } } });
    expect(both.state.switches).toEqual({
      version: 2,
      switches: { ...DEFAULT_SWITCHES, readOnly: true, stopPush: { scope: 'zones', zones: ['east'] } },
    });
    expect(initial.switches.switches).toEqual(DEFAULT_SWITCHES);
  });

  it('is no change where everything stands so already', () => {
    const { state } = apply(initial, { changes: { stopPush: { scope: 'addresses', addresses: ['10.0.0.1'] } } });
    const again = apply(state, {
      changes: { readOnly: false, stopPush: { scope: 'addresses', addresses: ['10.0.0.1'] } },
    });
    expect(again).toEqual({ state, result: { changed: false, epoch: 0, version: 1 } });
    expect(again.state).toBe(state);
  });

  it('applies only at the version that was expected', () => {
    const { state } = apply(initial, { changes: { readOnly: true }, expectedVersion: 0 });
    expect(state.switches.version).toBe(1);
    const late = apply(state, { changes: { readOnly: false }, expectedVersion: 0 });
    expect(late.result).toMatchObject({
      changed: false,
      failure: { code: 'VERSION_CONFLICT', details: { version: 1 } },
    });
    expect(late.state).toBe(state);
    expect(apply(state, { changes: { readOnly: false }, expectedVersion: 1 }).result.version).toBe(2);
  });
});
