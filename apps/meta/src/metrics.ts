import type { Metric } from 'prom-client';
import { type LabelledValue, byLabel, histogramOf, hostMetrics, labelled, metricsOf } from '#nest';
import type { MetaState } from '#registry';
import type { MetaHost } from './meta.host.js';
import type { MetaGroup } from './raft/group.js';

/** What a meta server tells Prometheus. */
export function metaMetrics(host: MetaHost, group: MetaGroup): Metric[] {
  return [...hostMetrics(host), ...raft(group), ...peers(group), ...cluster(host), ...steering(host), ...changes(host)];
}

function raft(group: MetaGroup): Metric[] {
  const { gauge, counter } = metricsOf(() => group.node.status());
  return [
    gauge('rollcall_raft_term', 'The term of this node.', ({ term }) => term),
    gauge('rollcall_raft_is_leader', 'Whether this node leads: 1 or 0.', ({ role }) => (role === 'leader' ? 1 : 0)),
    gauge('rollcall_raft_has_leader', 'Whether this node knows a leader: 1 or 0.', ({ leader }) => (leader ? 1 : 0)),
    gauge('rollcall_raft_voters', 'Voters of the group as this node knows it.', ({ configuration }) => {
      return configuration.voters.length;
    }),
    gauge('rollcall_raft_learners', 'Learners of the group as this node knows it.', ({ configuration }) => {
      return configuration.learners.length;
    }),
    gauge('rollcall_raft_commit_index', 'Of the last entry that is known to be committed.', ({ commit }) => commit),
    gauge('rollcall_raft_applied_index', 'Of the last entry that the state here contains.', ({ applied }) => applied),
    gauge('rollcall_raft_last_index', 'Of the last entry of the log here.', ({ last }) => last),
    gauge('rollcall_raft_log_entries', 'Entries of the log here that no snapshot has replaced.', (status) => {
      return status.last - status.snapshotIndex;
    }),
    gauge(
      'rollcall_raft_state_age_seconds',
      'How old the state here is at most; a day where that is not known.',
      (status) => Math.min(status.stateAgeMs / 1000, 86_400),
    ),
    counter('rollcall_raft_elections_total', 'Elections that this node has stood for.', () => group.elections),
    counter(
      'rollcall_raft_leader_changes_total',
      'Times that another leader, or a later term of one, was seen here.',
      () => {
        return group.leaderChanges;
      },
    ),
    histogramOf(
      'rollcall_raft_sync_seconds',
      'How long it takes to write to the log and to sync that.',
      () => group.syncs,
    ),
  ];
}

function peers(group: MetaGroup): Metric[] {
  return [
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_raft_peer_lag_entries',
        help: 'On the leader: entries that another node of the group has not confirmed yet.',
        labelNames: ['peer'],
      },
      () => {
        const { peers: known, last } = group.node.status();
        return known.map(({ id, matched }) => ({ labels: { peer: id }, value: last - matched }));
      },
    ),
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_raft_peer_active',
        help: 'On the leader: whether another node of the group has answered lately: 1 or 0.',
        labelNames: ['peer'],
      },
      () => group.node.status().peers.map(({ id, active }) => ({ labels: { peer: id }, value: active ? 1 : 0 })),
    ),
  ];
}

function cluster(host: MetaHost): Metric[] {
  const { gauge } = metricsOf(() => host.state);
  return [
    gauge('rollcall_table_epoch', 'Of the routing table as it is known here.', ({ table }) => table.epoch),
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_members',
        help: 'Data and session servers that are members of the cluster, by role.',
        labelNames: ['role'],
      },
      () => {
        const count = (role: string): number =>
          host.state.table.members.filter((member) => member.role === role).length;
        return byLabel('role', { data: count('data'), session: count('session') });
      },
    ),
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_slots',
        help: 'Slots of the cluster, by how they are: every one is in one of these states.',
        labelNames: ['state'],
      },
      () => byLabel('state', slotStates(host.state, host.replicas)),
    ),
    gauge('rollcall_slots_joining', 'Replicas that are being copied to where they are to be.', ({ table }) => {
      return table.slots.reduce((sum, { joining }) => sum + joining.length, 0);
    }),
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_leases_left_seconds',
        help: 'On the leader: of the member that was heard longest ago, how much is left of its lease.',
        labelNames: [],
      },
      () => leastLease(host),
    ),
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_proposals_pending',
        help: 'On the leader: changes that were proposed and are not committed yet.',
        labelNames: [],
      },
      () => [{ labels: {}, value: host.inspect().proposals }],
    ),
  ];
}

/** What operators have switched, and what holds the cluster back by itself. */
function steering(host: MetaHost): Metric[] {
  const { gauge } = metricsOf(() => host.state);
  return [
    gauge(
      'rollcall_feature_level',
      'What the cluster uses of what its servers support.',
      (state) => state.featureLevel,
    ),
    gauge('rollcall_rebalance_paused', 'Whether moves for balance alone are paused: 1 or 0.', ({ rebalance }) => {
      return rebalance.paused ? 1 : 0;
    }),
    gauge(
      'rollcall_draining_servers',
      'Data servers that are drained, or have been and are not taken back.',
      (state) => {
        return state.table.draining?.length ?? 0;
      },
    ),
    gauge('rollcall_config_values', 'Configuration values.', ({ config }) => config.values.length),
    gauge('rollcall_config_bytes', 'What configuration values have together.', ({ config }) => config.bytes),
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_protection',
        help: 'Whether nothing is removed and copied since too many servers of a role were lost at once: 1 or 0.',
        labelNames: ['role'],
      },
      () => {
        const on = (role: string): number =>
          Number(host.state.table.protections?.some((each) => each.role === role) ?? 0);
        return byLabel('role', { data: on('data'), session: on('session') });
      },
    ),
    labelled(
      {
        type: 'gauge',
        name: 'rollcall_switch_on',
        help: 'Whether operators have switched something: 1 or 0.',
        labelNames: ['switch'],
      },
      () => byLabel('switch', switchesOn(host.state)),
    ),
  ];
}

/** Counted by the node that leads, so that the sum over all nodes counts each once. */
function changes({ changes: counted }: MetaHost): Metric[] {
  const { counter } = metricsOf(() => counted);
  return [
    labelled(
      {
        type: 'counter',
        name: 'rollcall_slot_leader_changes_total',
        help: 'Slots that were given another leader, by how it came to that; counted by the meta server that leads.',
        labelNames: ['how'],
      },
      () => byLabel('how', counted.leaders),
    ),
    counter(
      'rollcall_slot_joins_total',
      'Replicas that were begun to be copied somewhere; counted by the meta server that leads.',
      ({ joins }) => joins,
    ),
    labelled(
      {
        type: 'counter',
        name: 'rollcall_members_departed_total',
        help: 'Members that are gone, by why; counted by the meta server that leads.',
        labelNames: ['cause'],
      },
      () => byLabel('cause', counted.departed),
    ),
  ];
}

function slotStates({ table }: MetaState, replicas: number): Record<string, number> {
  const states = { leaderless: 0, under_replicated: 0, whole: 0 };
  const wanted = Math.min(replicas, table.members.filter(({ role }) => role === 'data').length);
  for (const { leader, followers } of table.slots) {
    if (leader === null) states.leaderless++;
    else if (1 + followers.length < wanted) states.under_replicated++;
    else states.whole++;
  }
  return states;
}

function leastLease(host: MetaHost): LabelledValue[] {
  const { leases } = host.inspect();
  if (leases.length === 0) return [];
  return [{ labels: {}, value: leases.reduce((least, { leftMs }) => Math.min(least, leftMs), Infinity) / 1000 }];
}

function switchesOn({ switches: { switches } }: MetaState): Record<string, number> {
  const { stopPush, readOnly, clientsOff, publicationsOff, blacklist, pushWindow } = switches;
  const isOn = {
    stop_push: stopPush.scope !== 'none',
    read_only: readOnly,
    clients_off: clientsOff.length > 0,
    publications_off: publicationsOff.length > 0,
    blacklist: blacklist.length > 0,
    push_window: Object.keys(pushWindow).length > 0,
  };
  return Object.fromEntries(Object.entries(isOn).map(([name, on]) => [name, on ? 1 : 0]));
}
