import { DEFAULT_SWITCHES } from '#model';
import type { MetaCommand, MetaState } from '../contract.js';
import { metaStateMachine } from '../state.js';
import { answerQuery, readConsistency, readList, readQuery } from './queries.js';

const member = (role: 'data' | 'session', incarnation: string) => ({
  ...{ role, incarnation, address: `${incarnation}:1`, httpAddress: `${incarnation}:2`, zone: 'z', weight: 1 },
});
const COMMANDS: MetaCommand[] = [
  { type: 'bootstrap', clusterId: 'here', slotCount: 2 },
  { type: 'join', member: member('data', 'd1') },
  { type: 'join', member: member('data', 'd2') },
  { type: 'join', member: member('session', 's1') },
  {
    type: 'place',
    steps: [
      { type: 'begin', slot: 0, expectedLeaderEpoch: 0, leader: 'd1', reason: 'unassigned' },
      { type: 'begin', slot: 1, expectedLeaderEpoch: 0, leader: 'd2', reason: 'unassigned' },
    ],
  },
  { type: 'remove', incarnation: 'd2', cause: 'expired' },
  { type: 'setSwitches', changes: { readOnly: true } },
  { type: 'setConfig', key: 'k', value: 'grün' },
];
const state = COMMANDS.reduce<MetaState>(
  (before, command) => metaStateMachine.apply(before, command).state,
  metaStateMachine.initial(),
);
const planning = { replicas: 2, unfit: new Set<string>(), isSettled: true, sizeOf: () => undefined };
const answering = { leader: 'meta:1', term: 4, planning };
const ask = (query: Parameters<typeof answerQuery>[0]) => answerQuery(query, state, answering);

describe('what is asked of the replicated state', () => {
  it('is answered with what it holds', () => {
    expect(ask({ of: 'members' })).toEqual({
      clusterId: 'here',
      epoch: 6,
      featureLevel: 1,
      members: [member('data', 'd1'), member('session', 's1')],
      departed: [expect.objectContaining({ role: 'data', incarnation: 'd2', cause: 'expired' })],
      protections: [],
      drains: [],
    });
    expect(ask({ of: 'leader' })).toEqual({ leader: 'meta:1', term: 4 });
    expect(ask({ of: 'switches' })).toEqual({ version: 1, switches: { ...DEFAULT_SWITCHES, readOnly: true } });
    expect(ask({ of: 'config', key: 'k' })).toEqual({ key: 'k', value: 'grün', version: 1 });
    expect(ask({ of: 'configKeys' })).toEqual({ version: 1, bytes: 5, values: [{ key: 'k', version: 1, bytes: 5 }] });
  });

  it('tells of slots where their servers are, and that one is gone', () => {
    const alone = { leaderEpoch: 1, begun: true, followers: [], joining: [] };
    expect(ask({ of: 'slots' })).toEqual({
      clusterId: 'here',
      epoch: 6,
      replicas: 2,
      slots: [
        { slot: 0, leader: { incarnation: 'd1', address: 'd1:1' }, ...alone },
        { slot: 1, leader: { incarnation: 'd2', address: null }, ...alone },
      ],
    });
  });

  it('tells of a protection how many are there and how many are waited for', () => {
    expect(ask({ of: 'protection' })).toEqual({ clusterId: 'here', epoch: 6, protections: [] });
    const lost = metaStateMachine.apply(state, { type: 'remove', incarnation: 'd1', cause: 'refused' }).state;
    expect(answerQuery({ of: 'protection' }, lost, answering)).toEqual({
      clusterId: 'here',
      epoch: 7,
      protections: [{ role: 'data', sinceEpoch: 7, expected: 2, present: 0 }],
    });
  });

  it('is not found, or not ready, in so many words', () => {
    expect(() => ask({ of: 'config', key: 'other' })).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    expect(() => answerQuery({ of: 'members' }, metaStateMachine.initial(), answering)).toThrow(
      expect.objectContaining({ code: 'NOT_READY' }),
    );
  });

  it('is one of what can be asked', () => {
    expect(readQuery({ of: 'slots' })).toEqual({ of: 'slots' });
    expect(readQuery({ of: 'config', key: 'k' })).toEqual({ of: 'config', key: 'k' });
    for (const other of [undefined, {}, { of: 'toString' }, { of: 7 }, { of: 'config' }, { of: 'slots', more: 1 }])
      expect(() => readQuery(other)).toThrow(/must be|none that is known|may have/);
  });

  it('is a page of a list where less than all is asked for', () => {
    const pages = (of: 'members' | 'slots' | 'configKeys', query: Record<string, unknown> = {}) => {
      const answers: Record<string, unknown>[] = [];
      for (let after: unknown; ; after = answers.at(-1)!['next']) {
        const asked = { ...query, limit: '1', ...(after === undefined ? {} : { after }) };
        const [read, consistency] = readList(of, { ...asked, consistency: 'stale' });
        expect(consistency).toEqual({ maxAgeMs: Infinity });
        // As it is handed on to the leader.
        answers.push(ask(readQuery(JSON.parse(JSON.stringify(read)))) as Record<string, unknown>);
        if (answers.at(-1)!['next'] === undefined) return answers;
      }
    };
    expect(pages('members')).toMatchObject([{ members: [{ role: 'data' }] }, { members: [{ role: 'session' }] }]);
    expect(pages('members', { role: 'session' })).toMatchObject([{ members: [{ incarnation: 's1' }] }]);
    expect(pages('slots')).toMatchObject([{ slots: [{ slot: 0 }] }, { slots: [{ slot: 1 }] }]);
    expect(pages('slots', { server: 'd1:1' })).toMatchObject([{ slots: [{ slot: 0 }] }]);
    expect(pages('slots', { server: 'd2' })).toMatchObject([{ slots: [{ slot: 1 }] }]);
    expect(pages('configKeys', { prefix: 'k' })).toMatchObject([{ values: [{ key: 'k' }] }]);
    expect(pages('configKeys', { prefix: 'x' })).toMatchObject([{ values: [] }]);
  });

  it('is refused where the page or a filter means nothing', () => {
    for (const query of [{ limit: '0' }, { limit: '1000000' }, { after: 'x' }, { server: 'd1' }, { role: 'meta' }])
      expect(() => readList('members', query)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
    expect(() => readList('slots', { limit: '1000000' })).toThrow('limit is 1000000; a page has at most 16384.');
    expect(() => readList('slots', { of: 'config' })).toThrow('it may have limit, after, server');
  });

  it('is linearizable unless it may be stale', () => {
    expect(readConsistency({})).toBe('linearizable');
    expect(readConsistency({ consistency: 'linearizable' })).toBe('linearizable');
    expect(readConsistency({ consistency: 'stale' })).toEqual({ maxAgeMs: Infinity });
    expect(readConsistency({ consistency: 'stale', maxAgeMs: '500' })).toEqual({ maxAgeMs: 500 });
    expect(() => readConsistency({ consistency: 'eventual' })).toThrow(/linearizable or stale/);
    expect(() => readConsistency({ maxAgeMs: '500' })).toThrow(/goes with consistency=stale/);
    expect(() => readConsistency({ consistency: 'stale', maxAgeMs: 'x' })).toThrow(/whole number/);
    expect(() => readConsistency({ staleness: '1' })).toThrow(/it may have consistency, maxAgeMs/);
  });
});
