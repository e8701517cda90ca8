import * as fc from 'fast-check';
import type { Member, Protection } from '#model';
import type { MetaCommand, MetaState } from '../contract.js';
import { metaStateMachine } from '../state.js';

type Role = Member['role'];

const join = (incarnation: string, role: Role = 'session', address = `${incarnation}:1`): MetaCommand => ({
  type: 'join',
  member: { role, incarnation, address, httpAddress: '', zone: '', weight: 1 },
});
const lose = (incarnation: string): MetaCommand => ({ type: 'remove', incarnation, cause: 'expired' });
const leave = (incarnation: string): MetaCommand => ({ type: 'remove', incarnation, cause: 'left' });
const forget = (...incarnations: string[]): MetaCommand => ({ type: 'forget', incarnations });

function apply(state: MetaState, ...commands: MetaCommand[]): MetaState {
  return commands.reduce((before, command) => metaStateMachine.apply(before, command).state, state);
}

/** A cluster with so many session servers, `s1`, `s2` and so on, and one data server. */
function withSessions(count: number): MetaState {
  const created = apply(metaStateMachine.initial(), { type: 'bootstrap', clusterId: 'here', slotCount: 4 });
  return apply(created, join('d1', 'data'), ...Array.from({ length: count }, (_, i) => join(`s${i + 1}`)));
}

/** The first so many of them are lost. */
const losing = (count: number): MetaCommand[] => Array.from({ length: count }, (_, i) => lose(`s${i + 1}`));

const protections = (state: MetaState): Protection[] => state.table.protections ?? [];

describe('protection', () => {
  it.each([
    [1, undefined],
    [2, 2],
    [3, 2],
    [4, 2],
    [6, 2],
    [7, 3],
    [10, 4],
    [13, 4],
    [14, 5],
    [100, 31],
  ])('of %i servers of a role begins when %s are lost', (count, begins) => {
    const state = withSessions(count);
    for (let lost = 0; lost <= count; lost++) {
      const after = apply(state, ...losing(lost));
      const isDue = begins !== undefined && lost >= begins;
      expect(protections(after)).toEqual(
        isDue ? [{ role: 'session', sinceEpoch: state.table.epoch + begins, expected: count }] : [],
      );
    }
  });

  it('begins with the very command that removes one too many', () => {
    const before = apply(withSessions(3), lose('s1'));
    const { state, result } = metaStateMachine.apply(before, lose('s2'));
    expect(protections(state)).toEqual([{ role: 'session', sinceEpoch: result.epoch, expected: 3 }]);
  });

  it('is of each role for itself', () => {
    const both = apply(withSessions(3), join('d2', 'data'), lose('s1'), lose('d1'));
    expect(protections(both)).toEqual([]);
    expect(protections(apply(both, lose('d2'), lose('s2'))).map(({ role }) => role)).toEqual(['data', 'session']);
  });

  it('counts nobody who leaves as planned, before or after', () => {
    const state = withSessions(5);
    expect(protections(apply(state, ...['s1', 's2', 's3', 's4'].map(leave)))).toEqual([]);
    expect(protections(apply(state, lose('s1'), ...['s2', 's3', 's4'].map(leave)))).toEqual([]);
    expect(protections(apply(state, leave('s1'), leave('s2'), lose('s3')))).toEqual([]);
  });

  it('counts nobody who is back, at whatever address, nor who was replaced by a restart', () => {
    const state = withSessions(3);
    expect(protections(apply(state, lose('s1'), join('t1'), lose('s2'), join('t2'), lose('s3')))).toEqual([]);
    const restarted = apply(state, ...['s1', 's2', 's3'].map((name) => join(`${name}b`, 'session', `${name}:1`)));
    expect(restarted.table.departed).toHaveLength(3);
    expect(protections(apply(restarted, lose('s1b')))).toEqual([]);
    expect(protections(apply(restarted, lose('s1b'), lose('s2b')))).toHaveLength(1);
  });

  it('counts no loss that has been forgotten', () => {
    const state = apply(withSessions(3), lose('s1'));
    expect(protections(apply(state, forget('s1'), lose('s2')))).toEqual([]);
    // The leaders that forget are many; what counts is what the table remembers.
    expect(protections(apply(state, lose('s2'), forget('s1', 's2')))).toHaveLength(1);
  });

  it('ends when as many are back, whoever they are, and those that leave meanwhile are not missed', () => {
    const lost = apply(withSessions(5), ...losing(3));
    expect(protections(lost)).toMatchObject([{ expected: 5 }]);
    expect(protections(apply(lost, join('t1'), join('t2')))).toHaveLength(1);
    expect(protections(apply(lost, join('t1'), join('t2'), join('t3')))).toEqual([]);
    expect(protections(apply(lost, leave('s4'), join('t1'), join('t2')))).toMatchObject([{ expected: 4 }]);
    expect(protections(apply(lost, leave('s4'), join('t1'), join('t2'), join('t3')))).toEqual([]);
    // One that takes another's place is not one more.
    expect(protections(apply(lost, join('t1'), join('t2'), join('s5b', 'session', 's5:1')))).toHaveLength(1);
  });

  it('ends when the loss is confirmed, which then counts towards no other', () => {
    const lost = apply(withSessions(5), ...losing(3));
    const { epoch } = lost.table;
    const [{ sinceEpoch }] = protections(lost) as [Protection];
    const confirm = (fields: { epoch: number; role?: Role }): MetaCommand => ({ type: 'confirmLoss', ...fields });
    for (const other of [confirm({ epoch: sinceEpoch - 1 }), confirm({ epoch, role: 'data' })])
      expect(metaStateMachine.apply(lost, other).result.changed).toBe(false);
    for (const confirmed of [apply(lost, confirm({ epoch, role: 'session' })), apply(lost, confirm({ epoch }))]) {
      expect(protections(confirmed)).toEqual([]);
      expect(metaStateMachine.apply(confirmed, confirm({ epoch })).result.changed).toBe(false);
      expect(protections(apply(confirmed, lose('s4')))).toEqual([]);
      const again = apply(confirmed, lose('s4'), lose('s5'));
      expect(protections(again)).toMatchObject([{ expected: 2 }]);
      expect(metaStateMachine.apply(again, confirm({ epoch })).result.changed).toBe(false);
    }
  });

  it('is confirmed of both roles at once, or of one', () => {
    const both = apply(withSessions(3), join('d2', 'data'), ...['s1', 's2', 'd1', 'd2'].map(lose));
    const { epoch } = both.table;
    expect(protections(apply(both, { type: 'confirmLoss', epoch }))).toEqual([]);
    expect(protections(apply(both, { type: 'confirmLoss', epoch, role: 'data' }))).toMatchObject([{ role: 'session' }]);
  });

  it('stands for as long as fewer are there than before, and for no longer', () => {
    const names = Array.from({ length: 12 }, (_, i) => `s${i}`);
    const name = fc.constantFrom(...names);
    const command = fc.oneof(
      name.map((each) => join(each)),
      fc.tuple(name, name).map(([each, at]) => join(each, 'session', `${at}:1`)),
      { weight: 2, arbitrary: name.map(lose) },
      name.map(leave),
      name.map((each) => forget(each)),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        let state = withSessions(0);
        let most = 0;
        for (const next of commands) {
          state = apply(state, next);
          const present = state.table.members.filter(({ role }) => role === 'session').length;
          most = Math.max(most, present);
          const standing = protections(state);
          expect(standing.length).toBeLessThanOrEqual(1);
          for (const { expected, sinceEpoch } of standing) {
            expect(expected).toBeGreaterThan(present);
            expect(expected).toBeLessThanOrEqual(most);
            expect(sinceEpoch).toBeLessThanOrEqual(state.table.epoch);
          }
        }
      }),
    );
  });
});
