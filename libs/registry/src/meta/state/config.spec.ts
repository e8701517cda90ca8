import { LIMITS } from '#model';
import type { MetaCommand, MetaState } from '../contract.js';
import { metaStateMachine } from '../state.js';
import { findConfig } from './config.js';

const set = (key: string, value: string, expectedVersion?: number): MetaCommand => ({
  type: 'setConfig',
  key,
  value,
  ...(expectedVersion === undefined ? {} : { expectedVersion }),
});
const remove = (key: string, expectedVersion?: number): MetaCommand => ({
  type: 'deleteConfig',
  key,
  ...(expectedVersion === undefined ? {} : { expectedVersion }),
});

function after(...commands: MetaCommand[]): MetaState {
  return commands.reduce((state, command) => metaStateMachine.apply(state, command).state, metaStateMachine.initial());
}

const outcome = (state: MetaState, command: MetaCommand) => metaStateMachine.apply(state, command).result;

describe('configuration values', () => {
  it('are kept in the order of their keys, each with the version of its last change', () => {
    const { config } = after(set('b', '1'), set('a', '2'), set('c', '3'), set('b', '4'));
    expect(config).toEqual({
      version: 4,
      bytes: 3,
      values: [
        { key: 'a', value: '2', version: 2 },
        { key: 'b', value: '4', version: 4 },
        { key: 'c', value: '3', version: 3 },
      ],
    });
  });

  it('that are set to what they are have not changed', () => {
    const state = after(set('a', 'x'), set('b', 'y'));
    expect(outcome(state, set('a', 'x'))).toEqual({ changed: false, epoch: 0, version: 1 });
  });

  it('are set under a condition: at the version expected, or only where there is none', () => {
    const state = after(set('a', 'x', 0));
    expect(findConfig(state, 'a')).toEqual({ key: 'a', value: 'x', version: 1 });
    for (const expected of [0, 2])
      expect(outcome(state, set('a', 'z', expected))).toMatchObject({
        changed: false,
        failure: { code: 'VERSION_CONFLICT', details: { version: 1 } },
      });
    expect(outcome(state, set('b', 'z', 1))).toMatchObject({ failure: { details: { version: 0 } } });
    expect(outcome(state, set('a', 'z', 1))).toMatchObject({ changed: true, version: 2 });
  });

  it('are deleted once, and come back at a higher version', () => {
    const state = after(set('a', 'x'), remove('a'));
    expect(state.config).toEqual({ version: 2, bytes: 0, values: [] });
    expect(outcome(state, remove('a'))).toEqual({ changed: false, epoch: 0, version: 2 });
    expect(outcome(state, set('a', 'x', 0))).toMatchObject({ changed: true, version: 3 });
    expect(outcome(after(set('a', 'x')), remove('a', 2))).toMatchObject({ failure: { code: 'VERSION_CONFLICT' } });
    expect(outcome(after(set('a', 'x')), remove('a', 1))).toMatchObject({ changed: true });
  });

  it('are bounded in number and together, and one may always be replaced or deleted', () => {
    const full = after(...Array.from({ length: LIMITS.configKeys }, (_, i) => set(`k${i}`, 'x')));
    expect(outcome(full, set('another', 'x'))).toMatchObject({ failure: { code: 'CONFIG_TOO_LARGE' } });
    expect(outcome(full, set('k7', 'y'))).toMatchObject({ changed: true });
    expect(outcome(full, remove('k7'))).toMatchObject({ changed: true });
    const value = 'ü'.repeat(LIMITS.configValueBytes / 2);
    const count = LIMITS.configBytes / LIMITS.configValueBytes;
    const heavy = after(...Array.from({ length: count }, (_, i) => set(`k${i}`, value)));
    expect(heavy.config.values).toHaveLength(count);
    expect(outcome(heavy, set('another', 'x'))).toMatchObject({ failure: { code: 'CONFIG_TOO_LARGE' } });
    expect(outcome(heavy, set('k0', 'x'))).toMatchObject({ changed: true });
  });
});
