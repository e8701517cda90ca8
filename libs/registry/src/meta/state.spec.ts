import * as fc from 'fast-check';
import { DEFAULT_SWITCHES, type Member, type Switches } from '#model';
import type { MetaCommand, MetaState, SlotStep } from './contract.js';
import { createMetaStateMachine, metaStateMachine } from './state.js';

const member = (incarnation: string, overrides: Partial<Member> = {}): Member => ({
  role: 'data',
  incarnation,
  address: `${incarnation}:9620`,
  httpAddress: `${incarnation}:9622`,
  zone: '',
  weight: 1,
  ...overrides,
});

const bootstrap: MetaCommand = { type: 'bootstrap', clusterId: 'here', slotCount: 4 };

function after(...commands: MetaCommand[]): MetaState {
  return commands.reduce((state, command) => metaStateMachine.apply(state, command).state, metaStateMachine.initial());
}

describe('the state machine of meta', () => {
  it('is created once: later bootstraps change nothing', () => {
    const created = after(bootstrap);
    expect(created.table).toMatchObject({ clusterId: 'here', epoch: 1 });
    expect(created.table.slots).toHaveLength(4);
    const again = metaStateMachine.apply(created, { type: 'bootstrap', clusterId: 'there', slotCount: 8 });
    expect(again).toEqual({ state: created, result: { changed: false, epoch: 1 } });
  });

  it('takes no slot count that the slot function cannot use, and no member before there is a cluster', () => {
    expect(after({ type: 'bootstrap', clusterId: 'here', slotCount: 6 }).table.epoch).toBe(0);
    expect(after({ type: 'join', member: member('a') }).table.members).toEqual([]);
  });

  it('takes a join of a known incarnation as nothing new, whatever it says', () => {
    const joined = after(bootstrap, { type: 'join', member: member('a') });
    for (const again of [member('a'), member('a', { address: 'elsewhere:1' })])
      expect(metaStateMachine.apply(joined, { type: 'join', member: again }).result.changed).toBe(false);
  });

  it('lets a restarted data server take over the slots of the incarnation it replaces, and no others', () => {
    const { table } = after(
      bootstrap,
      { type: 'join', member: member('a', { address: 'host:1' }) },
      { type: 'join', member: member('b') },
      {
        type: 'place',
        steps: [begin(0, 0, 'a'), begin(1, 0, 'b')],
      },
      { type: 'join', member: member('a2', { address: 'host:1' }) },
    );
    expect(table.members.map(({ incarnation }) => incarnation)).toEqual(['b', 'a2']);
    expect(table.departed).toEqual([{ role: 'data', incarnation: 'a', cause: 'replaced' }]);
    expect(table.slots.map(({ leader, leaderEpoch }) => [leader, leaderEpoch])).toEqual([
      ['a2', 2],
      ['b', 1],
      [null, 0],
      [null, 0],
    ]);
  });

  it('keeps two servers of different roles at one address apart', () => {
    const session = member('s', { role: 'session', address: 'host:1' });
    const { table } = after(
      bootstrap,
      { type: 'join', member: session },
      {
        type: 'join',
        member: member('a', { address: 'host:1' }),
      },
    );
    expect(table.members).toHaveLength(2);
  });

  it('never takes back an incarnation that departed', () => {
    const state = after(
      bootstrap,
      { type: 'join', member: member('a') },
      { type: 'remove', incarnation: 'a', cause: 'expired' },
    );
    expect(metaStateMachine.apply(state, { type: 'join', member: member('a') }).result.changed).toBe(false);
    expect(metaStateMachine.apply(state, { type: 'remove', incarnation: 'a', cause: 'left' }).result.changed).toBe(
      false,
    );
  });

  it('places only at the leaderEpoch that was expected, and only on a live data server', () => {
    const state = after(
      bootstrap,
      { type: 'join', member: member('a') },
      { type: 'join', member: member('s', { role: 'session' }) },
    );
    const places = (expectedLeaderEpoch: number, leader: string, slot = 0) =>
      metaStateMachine.apply(state, { type: 'place', steps: [begin(slot, expectedLeaderEpoch, leader)] }).result
        .changed;
    expect(places(0, 'a')).toBe(true);
    expect(places(1, 'a')).toBe(false);
    expect(places(0, 's')).toBe(false);
    expect(places(0, 'nobody')).toBe(false);
    expect(places(0, 'a', 99)).toBe(false);
  });

  it('takes a replica through its life: joining, complete, leader, follower, gone', () => {
    const members = ['a', 'b'].map((name) => ({ type: 'join' as const, member: member(name) }));
    const led = after(bootstrap, ...members, { type: 'place', steps: [begin(0, 0, 'a')] });
    const at = { slot: 0, expectedLeaderEpoch: 1 };
    const follow = (state: MetaState, ...steps: SlotStep[]): MetaState =>
      metaStateMachine.apply(state, { type: 'place', steps }).state;
    const joining = follow(led, { type: 'join', ...at, server: 'b', reason: 'replicas' });
    expect(joining.table.slots[0]).toMatchObject({ leader: 'a', followers: [], joining: ['b'] });
    // Only who leads may say so, and only of who is joining.
    const complete = { type: 'complete' as const, ...at, leader: 'a', server: 'b' };
    expect(follow(joining, { ...complete, leader: 'b' })).toBe(joining);
    expect(follow(led, complete)).toBe(led);
    expect(follow(joining, { ...complete, expectedLeaderEpoch: 0 })).toBe(joining);
    const whole = follow(joining, complete);
    expect(whole.table.slots[0]).toMatchObject({ leader: 'a', followers: ['b'], joining: [] });
    const moved = follow(whole, { type: 'move', ...at, from: 'a', to: 'b', reason: 'balance' });
    expect(moved.table.slots[0]).toMatchObject({ leader: 'b', leaderEpoch: 2, begun: false, followers: ['a'] });
    expect(follow(moved, { type: 'move', ...at, from: 'a', to: 'b', reason: 'balance' })).toBe(moved);
    const dropped = follow(moved, { type: 'drop', slot: 0, expectedLeaderEpoch: 2, server: 'a', reason: 'surplus' });
    expect(dropped.table.slots[0]).toMatchObject({ leader: 'b', leaderEpoch: 2, followers: [] });
  });

  it('stops rather than skips a command it does not know, and says what is needed', () => {
    const unknown = { type: 'from-the-future' } as unknown as MetaCommand;
    expect(() => metaStateMachine.apply(after(bootstrap), unknown)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED_LEVEL',
        message: expect.stringMatching(/from-the-future.*Start a version of Rollcall that supports feature level 5/),
      }),
    );
  });

  it('takes a state that was saved before it had all its fields', () => {
    const { table } = after(bootstrap, { type: 'join', member: member('a') });
    const restored = metaStateMachine.restore({ table });
    expect(restored).toEqual(after(bootstrap, { type: 'join', member: member('a') }));
    const partly = { table, switches: { version: 3, switches: { readOnly: true } as Switches } };
    expect(metaStateMachine.restore(partly).switches).toEqual({
      version: 3,
      switches: { ...DEFAULT_SWITCHES, readOnly: true },
    });
  });
});

function begin(slot: number, expectedLeaderEpoch: number, leader: string): SlotStep {
  return { type: 'begin', slot, expectedLeaderEpoch, leader, reason: 'unassigned' };
}

const INCARNATIONS = ['a', 'b', 'c', 'd'];
const anyIncarnation = fc.constantFrom(...INCARNATIONS);
const anyCommand: fc.Arbitrary<MetaCommand> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(bootstrap) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(anyIncarnation, fc.constantFrom('host:1', 'host:2', 'host:3'), fc.constantFrom('data', 'session'))
      .map(([incarnation, address, role]) => ({
        type: 'join' as const,
        member: member(incarnation, { address, role: role as Member['role'] }),
      })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(anyIncarnation, fc.constantFrom('left', 'expired', 'refused'))
      .map(([incarnation, cause]) => ({ type: 'remove' as const, incarnation, cause: cause as 'left' })),
  },
  {
    weight: 4,
    arbitrary: fc
      .uniqueArray(
        fc.record({
          slot: fc.integer({ min: -1, max: 4 }),
          expectedLeaderEpoch: fc.nat(4),
          leader: anyIncarnation,
        }),
        // One step for a slot in a command, so that every change of a leader shows as one.
        { maxLength: 5, selector: ({ slot }) => slot },
      )
      .map((slots) => ({
        type: 'place' as const,
        steps: slots.map(({ slot, expectedLeaderEpoch, leader }) => begin(slot, expectedLeaderEpoch, leader)),
      })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('data', 'session'), fc.nat(20))
      .map(([role, epoch]) => ({ type: 'confirmLoss' as const, role: role as Member['role'], epoch })),
  },
  {
    weight: 1,
    arbitrary: fc.array(anyIncarnation).map((incarnations) => ({ type: 'forget' as const, incarnations })),
  },
  { weight: 1, arbitrary: fc.boolean().map((readOnly) => ({ type: 'setSwitches' as const, changes: { readOnly } })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('k1', 'k2', 'k3'), fc.option(fc.constantFrom('x', 'y')))
      .map(([key, value]) =>
        value === null ? { type: 'deleteConfig' as const, key } : { type: 'setConfig' as const, key, value },
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('a', 'b', 'host:1', 'host:2'), fc.option(fc.nat(2)))
      .map(([server, leaving]) =>
        leaving === null ? { type: 'undrain' as const, server } : { type: 'drain' as const, server, leaving },
      ),
  },
  { weight: 1, arbitrary: fc.boolean().map((paused) => ({ type: 'setRebalance' as const, paused })) },
  { weight: 1, arbitrary: fc.nat(3).map((level) => ({ type: 'raiseFeatureLevel' as const, level })) },
);

/** Every version that the state holds, none of which may ever fall. */
function versionsOf({ table, switches, config, rebalance, featureLevel }: MetaState): number[] {
  return [table.epoch, switches.version, config.version, rebalance.version, featureLevel];
}

describe('whatever commands are committed', () => {
  it('holds what everybody relies on, at every step', () => {
    fc.assert(
      fc.property(fc.array(anyCommand, { maxLength: 60 }), (commands) => {
        const machine = createMetaStateMachine(3);
        let state = machine.apply(machine.initial(), bootstrap).state;
        for (const command of commands) {
          const before = structuredClone(state);
          const { state: next, result } = machine.apply(state, command);
          expect(state).toEqual(before);
          expect(result.epoch).toBe(next.table.epoch);
          // One version rises by one with what changes, and the others stay.
          const [was, is] = [versionsOf(state), versionsOf(next)];
          const risen = is.map((version, at) => version - was[at]!).filter((rise) => rise !== 0);
          expect(risen).toEqual(result.changed ? [1] : []);
          expect(next === state).toBe(!result.changed);
          expect(machine.restore(structuredClone(next))).toEqual(next);
          expectSound(next);
          expectFenced(state, next);
          state = next;
        }
      }),
      { numRuns: 300 },
    );
  });
});

function expectSound({ table }: MetaState): void {
  const live = table.members.map(({ incarnation }) => incarnation);
  expect(new Set(live).size).toBe(live.length);
  const places = table.members.map(({ role, address }) => `${role} ${address}`);
  expect(new Set(places).size).toBe(places.length);
  for (const { incarnation } of table.departed) expect(live).not.toContain(incarnation);
}

/**
 * A slot changes its leader only together with its leaderEpoch, by one, and only to whoever is a data server then. The
 * same leader may begin anew, which is another leadership too.
 */
function expectFenced(before: MetaState, after: MetaState): void {
  const dataServers = after.table.members.filter(({ role }) => role === 'data').map(({ incarnation }) => incarnation);
  const changed = after.table.slots.filter((slot, index) => slot.leader !== before.table.slots[index]!.leader);
  expect(changed.filter(({ leader }) => leader !== null && !dataServers.includes(leader))).toEqual([]);
  after.table.slots.forEach((slot, index) => {
    const { leaderEpoch } = before.table.slots[index]!;
    const isAnother = changed.includes(slot) || (slot.begun === true && slot.leaderEpoch !== leaderEpoch);
    expect(slot.leaderEpoch).toBe(isAnother ? leaderEpoch + 1 : leaderEpoch);
  });
}
