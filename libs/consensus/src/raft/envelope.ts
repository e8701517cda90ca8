import { isPlainObject } from '#model';
import type { Configuration, Entry, NodeId, RaftMessage, SnapshotMeta } from './contract.js';

/** A message between meta nodes on its way. It says for whom it is, since an address may change hands. */
export interface RaftEnvelope {
  from: NodeId;
  to: NodeId;
  /** Of the sender's group; undefined while it knows nothing of one. */
  era?: number;
  message: RaftMessage;
}

/**
 * Whether what came over a link is of this form. The core trusts the shape of what it is given, so a peer of another
 * version, or a stranger, must not get anything else past here.
 */
export function isEnvelope(value: unknown): value is RaftEnvelope {
  return (
    isPlainObject(value) &&
    typeof value['from'] === 'string' &&
    typeof value['to'] === 'string' &&
    (value['era'] === undefined || areCounts(value, 'era')) &&
    isPlainObject(value['message']) &&
    isMessage(value['message'])
  );
}

type Fields = Record<string, unknown>;
type KindOf = RaftMessage['kind'];

const isVoteRequest = (m: Fields): boolean =>
  areCounts(m, 'lastIndex', 'lastTerm') && ['undefined', 'boolean'].includes(typeof m['transfer']);
const isVoteAnswer = (m: Fields): boolean => typeof m['granted'] === 'boolean';

const CHECKS: Record<KindOf, (message: Fields) => boolean> = {
  preVote: isVoteRequest,
  vote: isVoteRequest,
  preVoteAnswer: isVoteAnswer,
  voteAnswer: isVoteAnswer,
  append: (m) =>
    areCounts(m, 'previousIndex', 'previousTerm', 'commit', 'round') &&
    (m['answered'] === undefined || areCounts(m, 'answered')) &&
    Array.isArray(m['entries']) &&
    m['entries'].every(isEntry),
  appendAnswer: (m) =>
    areCounts(m, 'round', 'matched') &&
    (m['conflict'] === undefined || (isPlainObject(m['conflict']) && areCounts(m['conflict'], 'index', 'term'))),
  snapshot: (m) =>
    areCounts(m, 'offset', 'round') &&
    isSnapshotMeta(m['meta']) &&
    m['bytes'] instanceof Uint8Array &&
    typeof m['last'] === 'boolean',
  snapshotAnswer: (m) => areCounts(m, 'index', 'nextOffset', 'round'),
  timeoutNow: () => true,
};

function isMessage(message: Fields): boolean {
  const { kind } = message;
  return (
    areCounts(message, 'term') &&
    typeof kind === 'string' &&
    Object.hasOwn(CHECKS, kind) &&
    CHECKS[kind as KindOf](message)
  );
}

function isEntry(value: unknown): value is Entry {
  if (!isPlainObject(value) || !areCounts(value, 'index', 'term')) return false;
  switch (value['kind']) {
    case 'noop':
      return true;
    case 'command':
      return value['payload'] instanceof Uint8Array;
    case 'configuration':
      return isConfiguration(value['configuration']);
    default:
      return false;
  }
}

function isSnapshotMeta(value: unknown): value is SnapshotMeta {
  return isPlainObject(value) && areCounts(value, 'index', 'term') && isConfiguration(value['configuration']);
}

export function isConfiguration(value: unknown): value is Configuration {
  if (!isPlainObject(value)) return false;
  const { voters, outgoing, learners, era } = value;
  return (
    isNames(voters) &&
    isNames(learners) &&
    (outgoing === undefined || isNames(outgoing)) &&
    (era === undefined || areCounts(value, 'era'))
  );
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

function areCounts(fields: Fields, ...names: string[]): boolean {
  return names.every((name) => Number.isSafeInteger(fields[name]) && (fields[name] as number) >= 0);
}
