import {
  type DataToSession,
  type DigestEntry,
  type DurableEntry,
  LIMITS,
  type LeaderToReplica,
  type LeaderToRelay,
  type Operation,
  type Owner,
  type RelayToLeader,
  type RemovalCause,
  type ReplicaToLeader,
  type ReplicatedDatum,
  type RoutingTable,
  type SessionToData,
  type SlotAssignment,
  isPlainObject,
  isStamp,
} from '#model';
import { isKeys } from './keys/check-keys.js';
import type { SlotMessage } from './slot-leader.js';

/** What a leader says to followers as to session servers. */
export type LeaderToPeer = Extract<DataToSession, { kind: 'moved' | 'pong' | 'table' }>;

const CAUSES: readonly RemovalCause[] = [
  'unpublish',
  'goodbye',
  'grace-expired',
  'unclaimed',
  'lease-ended',
  'operator',
];

/**
 * Whether a message has the form of the protocol, so that nothing behind this ever meets a missing field. Of unknown
 * kinds it says `unknown`, so that versions can roll. `belongs` says whether a dataInfoId is of a slot.
 */
export function checkMessage(
  value: unknown,
  belongs: (dataInfoId: string, slot: number) => boolean,
): 'ok' | 'unknown' | 'malformed' {
  if (typeof value !== 'object' || value === null) return 'malformed';
  const message = value as SessionToData | ReplicaToLeader | RelayToLeader;
  switch (message.kind) {
    case 'tableRequest':
      return 'ok';
    case 'table':
      return judge(isTable(message.table));
    case 'follow':
      return judge(
        isOfSlot(message) &&
          isCount(message.number) &&
          [message.hashes, message.durable ?? []].every((hashes) => isHashes(hashes, belongs, message.slot)),
      );
    case 'written':
      return judge(isOfSlot(message) && [message.number, message.position].every(isCount));
    case 'replicated':
      return judge(isOfSlot(message) && [message.number, message.parts, message.position].every(isCount));
    case 'ping':
      return judge(isCount(message.sequence));
    case 'keys':
      return judge(isKeys(message, belongs));
    case 'relayOpen':
    case 'relay':
    case 'relayEnd':
      return judge(isRelay(message));
    case 'operations':
    case 'digest':
    case 'summary':
    case 'reconcile':
    case 'interest':
    case 'disinterest':
    case 'fetch':
    case 'renew':
    case 'persist':
    case 'announce': {
      if (!isCount(message.slot) || !isCount(message.leaderEpoch)) return 'malformed';
      const { slot } = message;
      return judge(isSlotMessage(message, (id) => typeof id === 'string' && belongs(id, slot)));
    }
    default:
      return typeof (message as { kind: unknown }).kind === 'string' ? 'unknown' : 'malformed';
  }
}

/** As {@link checkMessage}, of what the leader of a slot says to its followers. */
export function checkFromLeader(
  value: unknown,
  belongs: (dataInfoId: string, slot: number) => boolean,
): 'ok' | 'unknown' | 'malformed' {
  if (typeof value !== 'object' || value === null) return 'malformed';
  const message = value as LeaderToReplica | LeaderToRelay | LeaderToPeer;
  switch (message.kind) {
    case 'pong':
      return judge(isCount(message.tableEpoch));
    case 'table':
      return judge(isTable(message.table));
    case 'moved':
      return judge(isCount(message.slot));
    case 'relayedOpen':
    case 'relayed':
    case 'relayedEnd':
      return judge(isRelay(message));
    case 'replica':
    case 'replicate':
    case 'compare':
    case 'write':
    case 'followAnew': {
      if (!isOfSlot(message) || !isCount(message.number)) return 'malformed';
      const { slot } = message;
      return judge(isFromLeader(message, (id) => typeof id === 'string' && belongs(id, slot)));
    }
    default:
      return typeof (message as { kind: unknown }).kind === 'string' ? 'unknown' : 'malformed';
  }
}

function isFromLeader(message: LeaderToReplica, belongs: Belongs): boolean {
  switch (message.kind) {
    case 'replica':
      return (
        (message.position === undefined || isCount(message.position)) &&
        Array.isArray(message.gone) &&
        message.gone.every(belongs) &&
        isListOf(message.datums, (datum) => isDatum(datum, belongs))
      );
    case 'replicate':
      return (
        isCount(message.first) &&
        isListOf(
          message.operations,
          (item) => typeof item.by === 'string' && isOperation(item, belongs, true) && isFinal(item),
        )
      );
    case 'compare':
      return isCount(message.position) && typeof message.hash === 'string';
    case 'write':
      return (
        (message.position === undefined || isCount(message.position)) &&
        isListOf(message.entries, (entry) => isDurable(entry, belongs)) &&
        isListOf(
          message.whole,
          ({ dataInfoId, entries }) =>
            belongs(dataInfoId) && isListOf(entries, (entry) => isDurable(entry, (id) => id === dataInfoId)),
        )
      );
    case 'followAnew':
      return true;
  }
}

function isDatum({ dataInfoId, publications, removals }: ReplicatedDatum, belongs: Belongs): boolean {
  const isSame = (id: unknown): boolean => id === dataInfoId;
  return (
    belongs(dataInfoId) &&
    isListOf(
      publications,
      (publication) => isOperation({ op: 'publish', publication }, isSame, true) && isStamp(publication.stamp),
    ) &&
    isListOf(
      removals,
      ({ registerId, stamp, cause }) => typeof registerId === 'string' && isStamp(stamp) && CAUSES.includes(cause),
    )
  );
}

function isDurable(entry: DurableEntry, belongs: Belongs): boolean {
  const { publication, stamp } = entry;
  if (!isNamed(entry, belongs) || !isStamp(stamp)) return false;
  return publication === undefined || (isPersistent(publication, belongs) && isStamp(publication.stamp));
}

function isPersistent(publication: Extract<Operation, { op: 'publish' }>['publication'], belongs: Belongs): boolean {
  return isOperation({ op: 'publish', publication }, belongs, true) && publication.owner.kind === 'persistent';
}

/** The leader has stamped what came without a stamp. */
function isFinal(operation: Operation): boolean {
  return isStamp(operation.op === 'publish' ? operation.publication.stamp : operation.stamp);
}

function isOfSlot(message: { slot: number; leaderEpoch: number }): boolean {
  return isCount(message.slot) && isCount(message.leaderEpoch);
}

function isHashes(value: unknown, belongs: (dataInfoId: string, slot: number) => boolean, slot: number): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (pair) =>
        Array.isArray(pair) && typeof pair[0] === 'string' && belongs(pair[0], slot) && typeof pair[1] === 'string',
    )
  );
}

/** As far as whoever takes it relies on it. */
function isTable(table: RoutingTable | null | undefined): boolean {
  return (
    typeof table?.clusterId === 'string' &&
    isCount(table.epoch) &&
    isListOf(table.slots, isAssignment) &&
    isListOf(table.members, ({ role, incarnation, address }) => areStrings([role, incarnation, address])) &&
    isListOf(table.departed, ({ role, incarnation }) => areStrings([role, incarnation]))
  );
}

function isAssignment({ leader, leaderEpoch, followers, joining }: SlotAssignment): boolean {
  return isCount(leaderEpoch) && areStrings([leader ?? '']) && [followers, joining].every(areStrings);
}

function areStrings(values: readonly unknown[]): boolean {
  return Array.isArray(values) && values.every((value) => typeof value === 'string');
}

/** What is passed on is checked where it arrives. */
function isRelay(message: {
  kind: string;
  relay: number;
  to?: unknown;
  session?: unknown;
  message?: unknown;
}): boolean {
  const { kind, relay, to, session, message: passed } = message;
  if (!isCount(relay) || (session !== undefined && typeof session !== 'string')) return false;
  switch (kind) {
    case 'relayOpen':
      return typeof (session ?? to) === 'string';
    case 'relay':
    case 'relayed':
      return isPlainObject(passed);
    default:
      return true;
  }
}

function judge(isGood: boolean): 'ok' | 'malformed' {
  return isGood ? 'ok' : 'malformed';
}

type Belongs = (dataInfoId: unknown) => boolean;

function isSlotMessage(message: SlotMessage, belongs: Belongs): boolean {
  switch (message.kind) {
    case 'operations':
      return isCount(message.sequence) && isListOf(message.operations, (item) => isOperation(item, belongs));
    case 'digest':
      return (
        isCount(message.number) &&
        isListOf(message.entries, (entry: DigestEntry) => isNamed(entry, belongs) && isStamp(entry.stamp)) &&
        isListOf(
          message.removals,
          (removal) => isNamed(removal, belongs) && isStamp(removal.stamp) && CAUSES.includes(removal.cause),
        )
      );
    case 'reconcile':
      return isCount(message.number) && isListOf(message.operations, (item) => isOperation(item, belongs));
    case 'summary':
      return isCount(message.number) && typeof message.hash === 'string';
    case 'interest':
      return belongs(message.dataInfoId) && (message.hash === undefined || typeof message.hash === 'string');
    case 'disinterest':
      return belongs(message.dataInfoId);
    case 'fetch':
      return isCount(message.requestId) && belongs(message.dataInfoId);
    case 'persist': {
      const { requestId, operation } = message;
      if (!isCount(requestId) || typeof operation !== 'object' || operation === null) return false;
      return operation.op === 'unpublish'
        ? isOperation(operation, belongs)
        : operation.op === 'publish' &&
            isNamed(operation.publication, belongs) &&
            isPersistent(operation.publication, belongs);
    }
    case 'renew':
      return isCount(message.requestId) && isNamed(message, belongs);
    case 'announce':
      return (
        isCount(message.requestId) && isOperation({ op: 'publish', publication: message.publication ?? {} }, belongs)
      );
  }
}

function isOperation(operation: Operation, belongs: Belongs, mayPersist = false): boolean {
  if (operation.op === 'unpublish') {
    return isNamed(operation, belongs) && isStampOrNull(operation.stamp) && CAUSES.includes(operation.cause);
  }
  if (operation.op !== 'publish') return false;
  const { publication } = operation;
  return (
    isNamed(publication, belongs) &&
    isStampOrNull(publication.stamp) &&
    typeof publication.zone === 'string' &&
    typeof publication.appName === 'string' &&
    Number.isFinite(publication.registerTimestamp) &&
    isOwner(publication.owner, mayPersist) &&
    publication.body instanceof Uint8Array
  );
}

/** `persistent` is only for what goes by way of the disks (invariant 8). */
function isOwner(owner: Owner, mayPersist: boolean): boolean {
  switch (owner?.kind) {
    case 'connected':
      return typeof owner.session === 'string' && isCount(owner.connection);
    case 'leased':
      return isCount(owner.leaseMs) && owner.leaseMs > 0 && owner.leaseMs <= LIMITS.longestLeaseMs;
    case 'persistent':
      return mayPersist;
    default:
      return false;
  }
}

function isNamed(value: { registerId: string; dataInfoId: string } | null | undefined, belongs: Belongs): boolean {
  return typeof value?.registerId === 'string' && belongs(value.dataInfoId);
}

function isStampOrNull(value: unknown): boolean {
  return value === null || isStamp(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isListOf<Item>(value: readonly Item[], isItem: (item: Item) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null && isItem(item));
}
