import type { Member } from '#model';
import type { MetaCommand, MetaState } from '../contract.js';
import type { Planning } from '../planning.js';
import { metaStateMachine } from '../state.js';
import { answerQuery, readQuery } from './queries.js';

const member = (incarnation: string): Member => ({
  ...{ role: 'data', incarnation, address: `${incarnation}:1`, httpAddress: `${incarnation}:2`, zone: '', weight: 1 },
});
const apply = (state: MetaState, ...commands: MetaCommand[]): MetaState =>
  commands.reduce((before, command) => metaStateMachine.apply(before, command).state, state);

/** One server leads eight slots, alone; two more are there. */
const lopsided = apply(
  metaStateMachine.initial(),
  { type: 'bootstrap', clusterId: 'here', slotCount: 8 },
  ...['a', 'b', 'c'].map((name): MetaCommand => ({ type: 'join', member: member(name) })),
  {
    type: 'place',
    steps: Array.from({ length: 8 }, (_, slot) => ({
      ...({ type: 'begin', slot, expectedLeaderEpoch: 0, leader: 'a', reason: 'unassigned' } as const),
    })),
  },
);
// oxlint-disable-next-line typescript/no-explicit-any -- the tests read answers as a stranger's program would
type Answer = any;

const planning: Planning = { replicas: 1, unfit: new Set<string>(), isSettled: true, sizeOf: () => undefined };
const ask = (query: object, state = lopsided, more: Partial<Planning> = {}): Answer =>
  answerQuery(readQuery(query), state, { leader: 'meta:1', term: 1, planning: { ...planning, ...more } });

describe('rebalancing, as operators see it', () => {
  it('tells what comes next and why, and how far from balance the servers are', () => {
    const answer = ask({ of: 'rebalance' });
    expect(answer).toMatchObject({
      ...{ clusterId: 'here', status: 'running', frozen: false, version: 0 },
      underWay: { joining: 0, slots: [] },
      offBalance: { leads: 5, replicas: 5 },
    });
    expect(answer.next.explained[0]).toEqual({
      ...{ type: 'join', slot: 0, expectedLeaderEpoch: 1, server: 'b:1', reason: 'balance' },
      explanation:
        'Slot 0 is to leave a:1, which holds 8 slots (2 to 3 in balance). b:1 joins it; b:1 holds 0 slots (2 to 3 in balance).',
    });
    expect(answer.servers[0]).toEqual({
      ...{ address: 'a:1', incarnation: 'a', zone: '', weight: 1, draining: false },
      leads: { count: 8, fewest: 2, most: 3 },
      replicas: { count: 8, fewest: 2, most: 3 },
    });
  });

  it('tells what is under way', () => {
    const step = { type: 'join', slot: 3, expectedLeaderEpoch: 1, server: 'b', reason: 'balance' } as const;
    const state = apply(lopsided, { type: 'place', steps: [step] });
    expect(ask({ of: 'rebalance' }, state).underWay).toEqual({ joining: 1, slots: [{ slot: 3, server: 'b:1' }] });
  });

  it('lists no more than it was asked for, and counts all', () => {
    const { next } = ask({ of: 'rebalance', limit: 2 });
    expect(next.steps).toBe(5);
    expect(next.explained).toHaveLength(2);
    const { steps } = ask({ of: 'rebalancePlan', limit: 0 });
    expect(steps).toEqual({ count: 15, listed: [] });
    for (const limit of [-1, 10_001, 'x', '1.5'])
      expect(() => readQuery({ of: 'rebalance', limit })).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  });

  it('proposes nothing for balance while it is paused or the leader is new, and restores what is lost', () => {
    const paused = apply(lopsided, { type: 'setRebalance', paused: true });
    expect(ask({ of: 'rebalance' }, paused)).toMatchObject({ status: 'paused', version: 1, next: { steps: 0 } });
    expect(ask({ of: 'rebalance' }, lopsided, { isSettled: false })).toMatchObject({ next: { steps: 0 } });
    const { next } = ask({ of: 'rebalance' }, paused, { replicas: 2 });
    expect(next.explained[0]).toMatchObject({ type: 'join', reason: 'replicas' });
  });

  it('foresees all that is to come, counted against the least possible, also while it is paused', () => {
    for (const state of [lopsided, apply(lopsided, { type: 'setRebalance', paused: true })]) {
      const answer = ask({ of: 'rebalancePlan', limit: 100 }, state);
      expect(answer).toMatchObject({ changes: { joins: 5, leaders: 5 }, least: { joins: 5, leaders: 5 } });
      expect(answer.steps.listed).toHaveLength(15);
      expect(answer.steps.listed[0]).toEqual({
        ...{ type: 'join', slot: 0, expectedLeaderEpoch: 1, server: 'b:1', reason: 'balance' },
      });
      expect(answer.before.servers.map(({ leads }: Answer) => leads.count)).toEqual([8, 0, 0]);
      expect(answer.after).toMatchObject({ offBalance: { leads: 0, replicas: 0 } });
    }
  });

  it('foresees what is copied, and what session servers ask new leaders for, as far as leaders have told', () => {
    const size = (slot: number) => ({ slot, leaderEpoch: 1, publications: 10, bytes: 1_000, wanted: 3 });
    const told = ask({ of: 'rebalancePlan' }, lopsided, { sizeOf: size });
    expect(told.cost).toEqual({ publicationsCopied: 50, bytesCopied: 5_000, datumsSent: 15, slotsUnknown: 0 });
    const partly = ask({ of: 'rebalancePlan' }, lopsided, { sizeOf: (slot) => (slot > 0 ? size(slot) : undefined) });
    expect(partly.cost).toEqual({ publicationsCopied: 40, bytesCopied: 4_000, datumsSent: 12, slotsUnknown: 1 });
  });

  it('foresees what a drain would bring, which need not have begun', () => {
    for (const drain of ['a', 'a:1']) {
      const { after } = ask({ of: 'rebalancePlan', drain });
      expect(after.servers.map(({ replicas }: Answer) => replicas.count)).toEqual([0, 4, 4]);
    }
    expect(() => ask({ of: 'rebalancePlan', drain: 'x' })).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    expect(() => readQuery({ of: 'rebalance', drain: 'a' })).toThrow(/goes with the plan/);
  });

  it('says that all but leaders is frozen while many servers are missed', () => {
    const lost = apply(
      lopsided,
      { type: 'remove', incarnation: 'b', cause: 'expired' },
      { type: 'remove', incarnation: 'c', cause: 'expired' },
    );
    expect(ask({ of: 'rebalance' }, lost, { replicas: 2 })).toMatchObject({ frozen: true, next: { steps: 0 } });
  });
});

describe('a drain, as operators see it', () => {
  const draining = apply(lopsided, { type: 'drain', server: 'a', leaving: 1 });
  const left = { leads: 8, follows: 0, joins: 0 };

  it('says what is left to move, and then that the server may stop', () => {
    const going = { address: 'a:1', incarnation: 'a', draining: true, left, safeToStop: false };
    expect(ask({ of: 'drain', server: 'a' }, draining)).toEqual(going);
    expect(ask({ of: 'drain', server: 'a:1' }, draining)).toEqual(going);
    expect(ask({ of: 'members' }, draining).drains).toEqual([going]);
    const empty = { ...draining.table, slots: draining.table.slots.map((slot) => ({ ...slot, leader: 'b' })) };
    expect(ask({ of: 'drain', server: 'a' }, { ...draining, table: empty })).toMatchObject({
      ...{ left: { leads: 0, follows: 0, joins: 0 }, safeToStop: true },
    });
  });

  it('says that nobody is there any more', () => {
    const gone = apply(draining, { type: 'remove', incarnation: 'a', cause: 'left' });
    expect(ask({ of: 'drain', server: 'a:1' }, gone)).toMatchObject({ incarnation: null, draining: true });
  });

  it('is not safe to stop for holding nothing, but for being given nothing', () => {
    expect(ask({ of: 'drain', server: 'b' })).toMatchObject({ draining: false, safeToStop: false });
    expect(() => ask({ of: 'drain', server: 'x' })).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});
