import type { ClientRequests, LogEffect, Operation, RemovalCause, SessionToData } from '#model';
import type { DataCore, SessionCore } from '#registry';
import type { ClientMessage, Cluster, DataHost, Life, Observer, ServerMessage, SessionHost } from '#sim';
import { onCommitted } from './invariants/committed.js';
import { ACTIONS } from './schedule.js';
import { LEASE_MS } from './stories.js';

/** Log lines that tell of a rare turn; counted by their names. */
const LOGGED = [
  'leader-out-of-reach',
  'member-unreachable',
  'protection-began',
  'protection-ended',
  'warm-copy-failed',
  'drain-began',
  'drained',
];

/** What a run must have gone through to mean anything. A whole run that never saw one of them has tested less. */
export const EXERCISES: readonly string[] = [
  ...Object.keys(ACTIONS),
  // Meta.
  ...['meta leader elected anew', 'meta leader deposed alive', 'snapshot taken by meta'],
  ...['snapshot installed at a meta server', 'meta write lost in a crash', 'meta write that survived a crash'],
  ...['meta disk failed', ...['left', 'expired', 'refused', 'replaced'].map((cause) => `member ${cause}`)],
  ...LOGGED,
  // Data.
  ...['slot failed over', 'slot moved', 'data server stood in', 'complete datum', 'partial datum', 'complete change'],
  ...['complete same', 'partial same'],
  ...['partial change', 'moved', 'reconciled', 'refused', 'lagging follower promoted', 'orphan taken over', 'compared'],
  ...['publication read from a warm disk', 'confirmed from a warm disk', 'dropped from a warm disk'],
  ...['warm write lost in a crash'],
  ...['unpublish', 'goodbye', 'grace-expired', 'lease-ended'].map((cause) => `removed by ${cause}`),
  // Clients.
  ...['client reconnected', 'client reconnected elsewhere', 'snapshot push', 'partial push', 'unchanged push'],
  ...['delta push', 'push repeated'],
  ...[
    'welcome notice',
    'move notice',
    'stale registration',
    'http.publish ok',
    'http.publish NO_LEADER',
    'http.renew ok',
  ],
  ...['http.renew NOT_REGISTERED', 'http.unpublish ok'],
  // Machines and the network.
  ...['connection left half-open', 'pause longer than a lease', 'server started without meta'],
  ...['server started anew by itself'],
];

type AckFields = ClientRequests['registry.ack']['request'];

export type Count = (what: string, times?: number) => void;

/** Counts what a cluster goes through, most of which nobody asks for. */
export function counting(cluster: Cluster, count: Count): Observer {
  const pausedAtMs = new Map<string, number>();
  /** The session server that last welcomed each client. */
  const welcomedBy = new Map<string, string>();
  /** Of each slot, who followed a leader that has died and lacked what that one had. */
  const lagging = new Map<number, Set<string>>();
  let elections = 0;

  const noteLag = (host: DataHost): void => {
    for (const { slot, followers } of (host.core as DataCore | undefined)?.slots() ?? []) {
      const behind = followers.filter(({ operations }) => operations > 0).map(({ incarnation }) => incarnation);
      lagging.set(slot, new Set(behind));
    }
  };

  const life = (node: string, change: Life): void => {
    if (change === 'pauses') pausedAtMs.set(node, cluster.nowMs);
    const sinceMs = pausedAtMs.get(node) ?? Infinity;
    if (change === 'resumes' && cluster.nowMs - sinceMs > LEASE_MS) count('pause longer than a lease');
    const data = cluster.data.find(({ name }) => name === node);
    if (data && (change === 'dies' || change === 'vanishes')) noteLag(data);
    if (data && (change === 'dies' || change === 'vanishes')) countWarm(data, count);
    const session = cluster.sessions.find(({ name }) => name === node);
    if (session && (change === 'dies' || change === 'vanishes')) countRepeated(session, count);
    const host = [...cluster.data, ...cluster.sessions].find(({ name }) => name === node);
    if (change === 'starts' && host && host.lives > 1 && !hasQuorum(cluster)) count('server started without meta');
  };

  const said = ({ event }: LogEffect): void => {
    if (event === 'raft-leading' && ++elections > 1) count('meta leader elected anew');
    else if (event === 'not-leading') count('meta leader deposed alive');
    else if (event === 'raft-consensus-failed') count('meta disk failed');
    else if (event === 'standing-in') count('data server stood in');
    else if (LOGGED.includes(event)) count(event);
  };

  const committed = onCommitted(({ before, after }) => {
    const known = new Set(before.table.departed.map(({ incarnation }) => incarnation));
    for (const { incarnation, cause } of after.table.departed) if (!known.has(incarnation)) count(`member ${cause}`);
    const members = new Set(after.table.members.map(({ incarnation }) => incarnation));
    for (const [slot, { leader }] of before.table.slots.entries()) {
      if (leader === null || after.table.slots[slot]!.leader === leader) continue;
      count(members.has(leader) ? 'slot moved' : 'slot failed over');
      if (lagging.get(slot)?.has(after.table.slots[slot]!.leader ?? '')) count('lagging follower promoted');
    }
  });

  return {
    life,
    event: (node, event) => {
      committed.event!(node, event);
      const { message } = event as { message?: SessionToData };
      if (message?.kind !== 'operations' && message?.kind !== 'reconcile') return;
      const core = cluster.data.find(({ name }) => name === node)!.core as DataCore;
      for (const operation of message.operations) if (isTakenOver(cluster, core, operation)) count('orphan taken over');
    },
    effect: (_, effect) => {
      if (effect.type === 'restart') count('server started anew by itself');
      if (effect.type === 'log') said(effect as LogEffect);
    },
    transit: ({ from, to, message }) => {
      const { kind, complete } = message as { kind?: string; complete?: boolean };
      if (kind === 'datum' || kind === 'same' || kind === 'change')
        count(`${complete ? 'complete' : 'partial'} ${kind}`);
      else if (kind !== undefined) count(kind);
      const item = message as ServerMessage;
      if (item.type === 'push') count(`${item.push.type} push`);
      const { pattern, payload } = message as ClientMessage;
      if (pattern === 'registry.ack' && (payload as AckFields).refused) count('push refused');
      if (item.type === 'response' && JSON.stringify(item.response).includes('STALE_REGISTRATION'))
        count('stale registration');
      if (item.type !== 'notice') return;
      count(`${item.notice.type} notice`);
      if (item.notice.type !== 'welcome') return;
      const last = welcomedBy.get(to);
      welcomedBy.set(to, from);
      if (last !== undefined) count('client reconnected');
      if (last !== undefined && last !== from) count('client reconnected elsewhere');
    },
  };
}

/** Counts what is known once a run is over. */
export function countRun(
  { curls, data, metas, sessions, world }: Cluster,
  causes: Map<RemovalCause, number>,
  count: Count,
): void {
  for (const [cause, times] of causes) count(`removed by ${cause}`, times);
  for (const { answers } of curls) for (const [answer, times] of answers) count(answer, times);
  count('connection left half-open', world.network.halfOpen);
  for (const host of sessions) countRepeated(host, count);
  for (const host of data) {
    countWarm(host, count);
    count('publication read from a warm disk', host.warmDisk.loaded);
    count('warm write lost in a crash', host.warmDisk.lost);
  }
  for (const { log, installed } of metas) {
    count('snapshot installed at a meta server', installed);
    count('snapshot taken by meta', log.snapshots - installed);
    count('meta write lost in a crash', log.crashed.lost);
    count('meta write that survived a crash', log.crashed.survived);
  }
}

/** Pushes that this life of a session server sent again since nobody had acknowledged them. */
function countRepeated({ core }: SessionHost, count: Count): void {
  count('push repeated', (core as SessionCore | undefined)?.counts.repeatedPushes ?? 0);
}

/** What this life of a data server made of what it had read. */
function countWarm({ core }: DataHost, count: Count): void {
  const { confirmed = 0, dropped = 0 } = (core as DataCore | undefined)?.stats().warm ?? {};
  count('confirmed from a warm disk', confirmed);
  count('dropped from a warm disk', dropped);
}

/** Whether a client has found another session server for what one that meta has given up still owns. */
function isTakenOver({ meta }: Cluster, core: DataCore, operation: Operation): boolean {
  if (operation.op !== 'publish') return false;
  const { registerId, dataInfoId, owner } = operation.publication;
  const held = core.datum(dataInfoId)?.publications.find((publication) => publication.registerId === registerId)?.owner;
  if (held?.kind !== 'connected' || owner.kind !== 'connected' || held.session === owner.session) return false;
  return !meta.state.table.members.some(({ incarnation }) => incarnation === held.session);
}

/** Whether enough meta servers run for one of them to lead. */
function hasQuorum({ metas }: Cluster): boolean {
  return metas.filter(({ running }) => running).length * 2 > metas.length;
}
