import type { Member } from '#model';
import type { MetaCommand, MetaState } from '../contract.js';
import { metaStateMachine } from '../state.js';
import { drainingServers } from './drain.js';

const member = (role: Member['role'], incarnation: string, address = `${incarnation}:1`): Member => ({
  ...{ role, incarnation, address, httpAddress: `${incarnation}:2`, zone: '', weight: 1 },
});
const joins = (...incarnations: string[]): MetaCommand[] =>
  incarnations.map((incarnation) => ({ type: 'join', member: member('data', incarnation) }));
const drain = (server: string, leaving = 1): MetaCommand => ({ type: 'drain', server, leaving });
const undrain = (server: string): MetaCommand => ({ type: 'undrain', server });

function after(...commands: MetaCommand[]): MetaState {
  const all: MetaCommand[] = [{ type: 'bootstrap', clusterId: 'c', slotCount: 4 }, ...commands];
  return all.reduce((state, command) => metaStateMachine.apply(state, command).state, metaStateMachine.initial());
}

const resultOf = (state: MetaState, command: MetaCommand) => metaStateMachine.apply(state, command).result;
const drained = ({ table }: MetaState): string[] => [...drainingServers(table)].toSorted();

describe('the drain of a data server', () => {
  it('is of its address, by whichever name it is asked for, and changes the table once', () => {
    const before = after(...joins('a', 'b', 'c'));
    for (const name of ['b', 'b:1']) {
      const { state, result } = metaStateMachine.apply(before, drain(name));
      expect(result).toEqual({ changed: true, epoch: before.table.epoch + 1 });
      expect(state.table.draining).toEqual(['b:1']);
      expect(drained(state)).toEqual(['b']);
      expect(metaStateMachine.apply(state, drain('b'))).toEqual({
        state,
        result: { changed: false, epoch: state.table.epoch },
      });
    }
  });

  it('goes on when the server is restarted, and when it was away', () => {
    const restarted = after(...joins('a', 'b'), drain('b'), { type: 'join', member: member('data', 'b2', 'b:1') });
    expect(drained(restarted)).toEqual(['b2']);
    const away = after(...joins('a', 'b'), drain('b'), { type: 'remove', incarnation: 'b', cause: 'left' });
    expect(drained(away)).toEqual([]);
    const back = metaStateMachine.apply(away, { type: 'join', member: member('data', 'b3', 'b:1') }).state;
    expect(drained(back)).toEqual(['b3']);
  });

  it('is undone by either name, also when nobody is there any more', () => {
    for (const name of ['b', 'b:1']) expect(drained(after(...joins('a', 'b'), drain('b'), undrain(name)))).toEqual([]);
    const gone = after(...joins('a', 'b'), drain('b'), { type: 'remove', incarnation: 'b', cause: 'left' });
    expect(resultOf(gone, undrain('b:1'))).toMatchObject({ changed: true });
    expect(resultOf(gone, undrain('b'))).toMatchObject({ changed: false, failure: { code: 'NOT_FOUND' } });
    expect(resultOf(after(...joins('a')), undrain('a'))).toMatchObject({ changed: false });
  });

  it('is refused for whom nobody knows, and for a session server', () => {
    const state = after(...joins('a', 'b'), { type: 'join', member: member('session', 's') });
    expect(resultOf(state, drain('x:1'))).toMatchObject({ changed: false, failure: { code: 'NOT_FOUND' } });
    expect(resultOf(state, drain('s'))).toMatchObject({ changed: false, failure: { code: 'BAD_REQUEST' } });
  });

  it('leaves as many others as it was asked to, and always one', () => {
    const refusal = (left: number, needed: number) => ({
      changed: false,
      failure: { code: 'NOT_DRAINABLE', details: { left, needed } },
    });
    expect(resultOf(after(...joins('a', 'b')), drain('a', 2))).toMatchObject(refusal(1, 2));
    expect(resultOf(after(...joins('a', 'b')), drain('a', 1))).toMatchObject({ changed: true });
    expect(resultOf(after(...joins('a')), drain('a', 0))).toMatchObject(refusal(0, 1));
    // Who drains already takes over nothing.
    expect(resultOf(after(...joins('a', 'b', 'c'), drain('c')), drain('b', 2))).toMatchObject(refusal(1, 2));
    expect(resultOf(after(...joins('a', 'b'), drain('b')), drain('a'))).toMatchObject(refusal(0, 1));
  });

  it('is remembered of a bounded number of addresses, and always of those that are there', () => {
    let state = after(...joins('a', 'b'));
    state = metaStateMachine.apply(state, drain('b')).state;
    for (let i = 0; i < 1_200; i++) {
      const commands: MetaCommand[] = [
        { type: 'join', member: member('data', `x${i}`) },
        drain(`x${i}`),
        { type: 'remove', incarnation: `x${i}`, cause: 'left' },
        { type: 'forget', incarnations: [`x${i}`] },
      ];
      state = commands.reduce((before, command) => metaStateMachine.apply(before, command).state, state);
    }
    expect(state.table.draining!.length).toBeLessThanOrEqual(1_000);
    expect(state.table.draining).toContain('b:1');
    expect(state.table.draining).toContain('x1199:1');
  });
});

describe('rebalancing', () => {
  const pause = (paused: boolean, expectedVersion?: number): MetaCommand => ({
    ...{ type: 'setRebalance', paused },
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
  });

  it('is paused and resumed, each once, with a version of its own', () => {
    const running = after(...joins('a'));
    expect(running.rebalance).toEqual({ version: 0, paused: false });
    const { state, result } = metaStateMachine.apply(running, pause(true));
    expect(state.rebalance).toEqual({ version: 1, paused: true });
    expect(state.table).toBe(running.table);
    expect(result).toEqual({ changed: true, epoch: running.table.epoch, version: 1 });
    expect(resultOf(state, pause(true))).toEqual({ changed: false, epoch: running.table.epoch, version: 1 });
    expect(metaStateMachine.apply(state, pause(false)).state.rebalance).toEqual({ version: 2, paused: false });
  });

  it('is changed on condition of its version', () => {
    const state = after(pause(true));
    expect(resultOf(state, pause(false, 0))).toMatchObject({
      changed: false,
      failure: { code: 'VERSION_CONFLICT', details: { version: 1 } },
    });
    expect(resultOf(state, pause(false, 1))).toMatchObject({ changed: true, version: 2 });
  });
});
