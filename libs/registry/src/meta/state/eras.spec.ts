import type { Member } from '#model';
import type { MetaCommand, MetaState } from '../contract.js';
import { metaStateMachine } from '../state.js';
import { continued, nextEra, transplanted } from './eras.js';

const MINUTE_MS = 60_000;
const NOW_MS = Date.UTC(2031, 4, 3, 2, 1);

const member = (incarnation: string): Member => ({
  role: 'data',
  incarnation,
  address: `${incarnation}:1`,
  httpAddress: `${incarnation}:2`,
  zone: '',
  weight: 1,
});

const begin = (slot: number, expectedLeaderEpoch: number, leader: string): MetaCommand => ({
  type: 'place',
  steps: [{ type: 'begin', slot, expectedLeaderEpoch, leader, reason: 'unassigned' }],
});

const apply = (state: MetaState, ...commands: MetaCommand[]): MetaState =>
  commands.reduce((before, command) => metaStateMachine.apply(before, command).state, state);

const saved = apply(
  metaStateMachine.initial(),
  { type: 'bootstrap', clusterId: 'one', slotCount: 4 },
  { type: 'join', member: member('a') },
  begin(1, 0, 'a'),
  { type: 'setSwitches', changes: { readOnly: true } },
  { type: 'setConfig', key: 'k', value: 'v' },
  { type: 'setRebalance', paused: true },
);

/** Everything that members compare with what they hold. */
const numbersOf = ({ table, switches, config, rebalance }: MetaState): number[] => [
  table.epoch,
  ...table.slots.map(({ leaderEpoch }) => leaderEpoch),
  switches.version,
  rebalance.version,
  config.version,
  ...config.values.map(({ version }) => version),
];

describe('the next era of a cluster', () => {
  it('is above whatever a group has given out that has counted from the beginning, at any speed', () => {
    const years = 10;
    const changesPerSecond = 1_000_000;
    const era = nextEra(saved, Date.UTC(2025 + years, 0, 1), () => 0);
    // What members may hold of a group that changed its table all that time, and more than any log takes.
    expect(era).toBeGreaterThan(years * 365 * 86_400 * changesPerSecond);
    expect(Number.isSafeInteger(nextEra(saved, Date.UTC(2270, 0, 1), () => 0.999))).toBe(true);
  });

  it('is above an earlier era of the same backup, and above all that was given out in that one', () => {
    const first = nextEra(saved, NOW_MS, () => 0.999);
    for (const minutes of [1, 60, 60 * 24 * 365]) {
      const second = nextEra(saved, NOW_MS + minutes * MINUTE_MS, () => 0);
      expect(second - first).toBeGreaterThan((minutes - 0.5) * 60 * 1_000_000);
    }
  });

  it('is another when two are begun within a minute', () => {
    expect(nextEra(saved, NOW_MS, () => 0.25)).not.toBe(nextEra(saved, NOW_MS, () => 0.75));
  });

  it('follows what the state holds where the clock is behind', () => {
    const later = continued(
      saved,
      nextEra(saved, NOW_MS, () => 0.999),
    );
    const era = nextEra(later, 0, () => 0);
    expect(era).toBeGreaterThan(Math.max(...numbersOf(later)));
    expect(nextEra(apply(later, { type: 'setSwitches', changes: { readOnly: false } }), 0, () => 0)).toBe(era);
    expect(nextEra(saved, 0, () => 0)).toBeGreaterThan(Math.max(...numbersOf(saved)));
  });
});

describe('the state of another era', () => {
  const era = nextEra(saved, NOW_MS, () => 0.5);

  it('is that of the same cluster, with every number at the era', () => {
    const state = continued(saved, era);
    expect(new Set(numbersOf(state))).toEqual(new Set([era]));
    expect(state).toMatchObject({
      table: { clusterId: 'one', members: saved.table.members, slots: [{}, { leader: 'a' }, {}, {}] },
      switches: { switches: { readOnly: true } },
      config: { values: [{ key: 'k', value: 'v' }] },
      rebalance: { paused: true },
      featureLevel: saved.featureLevel,
      gathering: true,
    });
  });

  it('counts nothing that replicas hold of a slot, since another may have led it last', () => {
    const slots = saved.table.slots.map((slot) => ({ ...slot, followers: ['b'], joining: ['c'] }));
    const state = continued({ ...saved, table: { ...saved.table, slots } }, era);
    expect(state.table.slots[1]).toEqual({
      leader: 'a',
      leaderEpoch: era,
      begun: true,
      followers: [],
      joining: ['b', 'c'],
    });
  });

  it('goes on from there, by one for each change', () => {
    const state = apply(
      continued(saved, era),
      { type: 'join', member: member('b') },
      begin(1, era, 'b'),
      begin(2, 0, 'b'),
      { type: 'setConfig', key: 'k', value: 'w' },
    );
    expect(state.table.epoch).toBe(era + 2);
    expect(state.table.slots.map(({ leaderEpoch }) => leaderEpoch - era)).toEqual([0, 1, 0, 0]);
    expect(state.config.values).toEqual([{ key: 'k', value: 'w', version: era + 1 }]);
  });

  it('gathers until that is over, which no table shows', () => {
    const state = continued(saved, era);
    const { state: after, result } = metaStateMachine.apply(state, { type: 'gathered' });
    expect(result).toEqual({ changed: true, epoch: era });
    expect(after.gathering).toBeUndefined();
    expect(after.table).toBe(state.table);
    expect(metaStateMachine.apply(after, { type: 'gathered' })).toEqual({
      state: after,
      result: { changed: false, epoch: era },
    });
  });

  it('is, for another cluster, what operators decided and none of the servers', () => {
    const state = transplanted(saved, era, 'two');
    expect(state.table).toMatchObject({ clusterId: 'two', members: [], departed: [] });
    expect(state.table.slots).toHaveLength(4);
    expect(new Set(state.table.slots.map(({ leader }) => leader))).toEqual(new Set([null]));
    expect(state).toMatchObject({ switches: { switches: { readOnly: true } }, config: { values: [{ value: 'v' }] } });
    expect(state.gathering).toBeUndefined();
    expect(new Set(numbersOf(state))).toEqual(new Set([era]));
  });
});
