import type { Random, SlotAssignment } from '#model';
import type { MetaState } from '../contract.js';
import type { Applied } from './change.js';

/** 2025-01-01 in UTC: eras are counted in minutes from here. */
const FIRST_MINUTE_MS = 1_735_689_600_000;
const MINUTE_MS = 60_000;
/** What a group may give out within a minute. No group commits a million changes of its table in a second. */
const EPOCHS_OF_A_MINUTE = 2 ** 26;

/**
 * The era of a group that goes on from `state`: from what one server has of a lost quorum, or from a backup. That state may
 * be older than what members have seen: they may hold tables, leaderEpochs and versions that it knows nothing of, which
 * must not be given out a second time with other contents (invariants 4 and 6). So everything that rises with time begins
 * anew at the era, which is above all that any group of this cluster can have given out before or will give out later:
 *
 * - a group that was bootstrapped counts from 0, and one of an earlier era from that era, by one for each change;
 * - eras are a minute's worth of changes apart for each minute between them, and no group is faster than that;
 * - two groups begun within the same minute differ in the random half of it.
 *
 * So the wall clock of whoever runs the command must not be behind that of the last time by more than the minutes that have
 * passed. Where `state` itself shows that it is, the era follows what the state holds. Minutes of this size last for 250
 * years; the numbers stay safe integers.
 */
export function nextEra(state: MetaState, wallMs: number, random: Random): number {
  const minutes = Math.floor((wallMs - FIRST_MINUTE_MS) / MINUTE_MS);
  const after = Math.floor(highestGivenOut(state) / EPOCHS_OF_A_MINUTE) + 1;
  return Math.max(minutes, after) * EPOCHS_OF_A_MINUTE + Math.floor((random() * EPOCHS_OF_A_MINUTE) / 2);
}

/**
 * The state with which the same cluster goes on in another era. It first gathers: whoever joined after the state was saved
 * is missing in it, and lives. Who leads a slot by this state need not have led it last, so nothing that anybody holds of
 * a slot counts: leaders begin from nothing, which session servers fill, and followers join anew.
 */
export function continued(state: MetaState, era: number): MetaState {
  const { table, switches, config, rebalance } = state;
  return {
    ...state,
    table: { ...table, epoch: era, slots: table.slots.map((slot) => begunAnew(slot, era)) },
    switches: { ...switches, version: era },
    config: { ...config, version: era, values: config.values.map((value) => ({ ...value, version: era })) },
    rebalance: { ...rebalance, version: era },
    gathering: true,
  };
}

function begunAnew(slot: SlotAssignment, era: number): SlotAssignment {
  const joining = [...slot.followers, ...slot.joining];
  return { ...slot, leaderEpoch: era, begun: true, followers: [], joining };
}

/** The state with which another cluster begins: what operators have decided, and none of the servers. */
export function transplanted(state: MetaState, era: number, clusterId: string): MetaState {
  const { state: rest } = gathered(continued(state, era));
  const slot: SlotAssignment = { leader: null, leaderEpoch: era, followers: [], joining: [] };
  const slots = state.table.slots.map(() => slot);
  return { ...rest, table: { clusterId, epoch: era, slots, members: [], departed: [] } };
}

/** The members that live have had time to come. */
export function gathered(state: MetaState): Applied {
  const { gathering, ...rest } = state;
  return { state: rest, result: { changed: gathering === true, epoch: state.table.epoch } };
}

function highestGivenOut({ table, switches, config, rebalance }: MetaState): number {
  const leaderEpochs = table.slots.map(({ leaderEpoch }) => leaderEpoch);
  return Math.max(table.epoch, switches.version, config.version, rebalance.version, ...leaderEpochs);
}
