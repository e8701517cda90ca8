import { keyRegisterId, leaseRegisterId } from '#etcd';
import type {
  FromMeta,
  KeyAsk,
  KeysToData,
  LeaderToReplica,
  Operation,
  PeerHello,
  Publication,
  SessionToData,
  Stamp,
} from '#model';
import type { DataEffect } from '#registry';
import { type Cluster, type Observer, Violation } from '#sim';
import { datumTold } from './datum-told.js';

/** What a data server has the word of owners for, of one slot at one leaderEpoch. */
interface Known {
  leaderEpoch: number;
  isLed: boolean;
  /** It has followed the leader to the end, and holds what that one holds. */
  hasFollowed: boolean;
  confirmed: Set<string>;
}

/** One life of a data server. */
class Life {
  readonly peers = new Map<number, string>();
  readonly slots = new Map<number, Known>();
  standsIn = false;

  constructor(readonly incarnation: string) {}

  at(slot: number, leaderEpoch: number): Known | undefined {
    const known = this.slots.get(slot);
    return known?.leaderEpoch === leaderEpoch ? known : undefined;
  }

  /** What is held goes on to count under the leadership right after, for whoever led, or had followed and is promoted. */
  takeTable({ table }: Extract<FromMeta, { kind: 'table' }>): void {
    for (const [slot, { leader, leaderEpoch, begun }] of table.slots.entries()) {
      const before = this.slots.get(slot);
      if (before && leaderEpoch <= before.leaderEpoch) continue;
      const isRightBefore = before?.leaderEpoch === leaderEpoch - 1;
      const counts = isRightBefore && (before.isLed || (before.hasFollowed && !begun));
      const confirmed = counts ? before.confirmed : new Set<string>();
      this.slots.set(slot, { leaderEpoch, isLed: leader === this.incarnation, hasFollowed: false, confirmed });
    }
  }
}

/**
 * Invariant 9: a connected publication read from disk, or offered by a stale replica, is invisible until its owner confirms
 * it; a leased one, until a session server vouches for it. So whatever a leader tells of, to anybody, at that very stamp
 * somebody who may has told it: by publishing it, or by claiming it in a digest; under this leadership, or under those from
 * which, one right after the other, it has inherited; or to the leader that gave it to it.
 */
export function confirmedOwners(cluster: Cluster): Observer {
  const lives = new Map<string, Life>();
  const byIncarnation = new Map<string, Life>();
  const isData = new Map<string, boolean>();

  const lifeOf = (node: string): Life | undefined => {
    if (!isData.has(node))
      isData.set(
        node,
        cluster.data.some(({ name }) => name === node),
      );
    return isData.get(node) ? lives.get(node) : undefined;
  };

  const toldOperations = (known: Known, operations: Operation[], session: string): void => {
    for (const operation of operations) {
      if (operation.op !== 'publish') continue;
      const { registerId, stamp, owner } = operation.publication;
      // The leader makes the stamp of what comes without one.
      if (owner.kind !== 'connected' || owner.session === session)
        known.confirmed.add(nameOf(registerId, stamp, owner));
    }
  };

  /** The leader makes the publications of keys and leases itself, of what it is asked for. */
  const toldKeys = (life: Life, { ask }: KeysToData): void => {
    for (const [slot, leaderEpoch] of ask.at) {
      for (const registerId of leasedIn(ask))
        life.at(slot, leaderEpoch)?.confirmed.add(nameOf(registerId, null, { kind: 'leased' }));
    }
  };

  const heard = (life: Life, peer: string, message: SessionToData | LeaderToReplica): void => {
    const { slot, leaderEpoch } = message as { slot?: number; leaderEpoch?: number };
    if (slot === undefined || leaderEpoch === undefined) return;
    // A server that stands in for another leads without a table of its own.
    if (life.standsIn && !life.slots.has(slot))
      life.slots.set(slot, { leaderEpoch, isLed: true, hasFollowed: false, confirmed: new Set() });
    const known = life.at(slot, leaderEpoch);
    if (!known) return;
    switch (message.kind) {
      case 'operations':
      case 'reconcile':
        return toldOperations(known, message.operations, peer);
      case 'digest':
        for (const { registerId, stamp, leased } of message.entries)
          known.confirmed.add(
            nameOf(registerId, stamp, leased ? { kind: 'leased' } : { kind: 'connected', session: peer }),
          );
        return undefined;
      case 'replica':
        for (const { publications } of message.datums)
          for (const each of publications) known.confirmed.add(keyOf(each));
        if (message.position === undefined) return undefined;
        known.hasFollowed = true;
        for (const key of byIncarnation.get(peer)?.at(slot, leaderEpoch)?.confirmed ?? []) known.confirmed.add(key);
        return undefined;
      case 'replicate':
        for (const operation of message.operations)
          if (operation.op === 'publish') known.confirmed.add(keyOf(operation.publication as Publication));
        return undefined;
      default:
        return undefined;
    }
  };

  const check = (node: string, life: Life, message: Told): void => {
    for (const publication of publicationsIn(datumTold(cluster, node, message) ?? message)) {
      const { registerId, stamp, owner } = publication;
      if (owner.kind === 'persistent') continue;
      const { confirmed } = life.at(message.slot, message.leaderEpoch) ?? {};
      if (confirmed?.has(keyOf(publication)) || confirmed?.has(nameOf(registerId, null, owner))) continue;
      const what = `${registerId} at ${stamp.join('.')} in a ${message.kind} of slot ${message.slot}`;
      throw new Violation(
        'invariant 9',
        `${node} tells of ${what} at ${message.leaderEpoch}, which nobody has confirmed`,
      );
    }
  };

  return {
    event: (node, event) => {
      if (event.type === 'start') {
        const host = cluster.data.find(({ name }) => name === node);
        if (!host) return;
        const life = new Life(host.incarnation);
        lives.set(node, life);
        byIncarnation.set(host.incarnation, life);
        return;
      }
      const life = lifeOf(node);
      if (!life) return;
      const { link, hello, message, relayedFor } = event as unknown as {
        link: number;
        relayedFor?: string;
        hello?: PeerHello;
        message?: FromMeta | SessionToData;
      };
      if (event.type === 'linkUp') life.peers.set(link, hello!.incarnation);
      if (event.type !== 'received' || !message) return;
      if (message.kind === 'table') life.takeTable(message);
      else if (message.kind === 'keys') toldKeys(life, message);
      else heard(life, relayedFor ?? life.peers.get(link) ?? '', message as SessionToData);
    },
    effect: (node, effect) => {
      const life = lifeOf(node);
      const own = effect as DataEffect;
      if (!life) return;
      if (own.type === 'log' && own.event === 'standing-in') life.standsIn = true;
      if (own.type === 'send') check(node, life, own.message as Told);
    },
  };
}

type Told = { kind: string; slot: number; leaderEpoch: number };
type Named = { kind: 'connected'; session: string } | { kind: 'leased' } | { kind: 'persistent' };

/** Every publication that the message tells of as one that is there. */
function publicationsIn(message: Told): Publication[] {
  const {
    publications = [],
    upserts = [],
    datums = [],
    operations = [],
  } = message as Partial<{
    publications: Publication[];
    upserts: Publication[];
    datums: { publications: Publication[] }[];
    operations: Operation[];
  }>;
  const replicated = operations.flatMap((each) => (each.op === 'publish' ? [each.publication as Publication] : []));
  return [...publications, ...upserts, ...datums.flatMap((each) => each.publications), ...replicated];
}

/** The leased publications that may come of it. */
function leasedIn(ask: KeyAsk): string[] {
  switch (ask.op) {
    case 'grant':
    case 'lease':
      return [leaseRegisterId(ask.id)];
    case 'txn':
      return [...ask.success, ...ask.failure].flatMap((each) => {
        return each.op === 'put' && each.lease !== undefined ? [keyRegisterId(each, true)] : [];
      });
    default:
      return [];
  }
}

function keyOf({ registerId, stamp, owner }: Publication): string {
  return nameOf(registerId, stamp, owner);
}

function nameOf(registerId: string, stamp: Stamp | null, owner: Named): string {
  return `${registerId} ${stamp?.join('.') ?? 'any'} ${owner.kind === 'connected' ? owner.session : owner.kind}`;
}
