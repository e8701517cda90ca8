import type { DataInfoId } from '../names.js';
import type { Publication } from '../publication.js';

/**
 * What session servers and the leaders of slots say to each other about the keyspace of etcd. A key is a string whose
 * characters are its bytes, an id of a lease a decimal number of 64 bits with its sign, or empty for none.
 */

/** A slot, and the leaderEpoch that the sender believes in. Where one of them is led no more, nothing is done of all. */
export type SlotAt = readonly [slot: number, leaderEpoch: number];

/** An empty `end`: the one key; a zero byte: all from `key` on. */
export interface KeySpan {
  key: string;
  end: string;
}

export interface KeyEntry {
  key: string;
  value: Uint8Array;
  createRevision: number;
  modRevision: number;
  version: number;
  lease: string;
}

export interface KeyCompare {
  key: string;
  target: 'create' | 'mod' | 'version' | 'lease' | 'value';
  result: '=' | '!=' | '>' | '<';
  /** Numbers in decimals. */
  operand: string | Uint8Array;
}

/** A lease as keys name it: an id that is granted again is another lease. */
export interface LeaseName {
  id: string;
  /** The revision at which it was granted. */
  grant: number;
}

export type KeyOperation =
  | { op: 'get'; key: string }
  | { op: 'delete'; key: string; prev: boolean }
  | {
      op: 'put';
      key: string;
      /** Where it is kept, and what native subscribers read. */
      dataInfoId: DataInfoId;
      ownId: string;
      data: string[];
      /** Null: the one held. */
      value: Uint8Array | null;
      /** Null: the one held. Undefined: none. The publication ends by itself after `leaseMs` unless it is renewed. */
      lease?: (LeaseName & { leaseMs: number }) | null;
      prev: boolean;
    };

export type KeyAsk =
  /** Compares, and does one of the two. A single operation compares nothing. */
  | { op: 'txn'; at: SlotAt[]; compare: KeyCompare[]; success: KeyOperation[]; failure: KeyOperation[] }
  | { op: 'range'; at: SlotAt[]; span: KeySpan; values: boolean; native?: NativeName }
  | { op: 'deleteRange'; at: SlotAt[]; span: KeySpan; prev: boolean }
  | { op: 'grant'; at: SlotAt[]; id: string; dataInfoId: DataInfoId; ttlS: number; leaseMs: number }
  /** `attach`: keys in these slots are about to be put with it. */
  | { op: 'lease'; at: SlotAt[]; id: string; dataInfoId: DataInfoId; act: 'renew' | 'revoke' | 'tell' }
  | { op: 'lease'; at: SlotAt[]; id: string; dataInfoId: DataInfoId; act: 'attach'; slots: number[] }
  /** Of the keys that have the lease. */
  | { op: 'attached'; at: SlotAt[]; lease: LeaseName; act: 'renew' | 'remove' | 'list' }
  | { op: 'leases'; at: SlotAt[] }
  /**
   * From now on the changes of these slots are told under this number, which the sender has chosen for this link; slots may be
   * added by asking again. With `from`, those since then that are remembered are told in the answer.
   */
  | { op: 'watch'; at: SlotAt[]; watchId: number; span: KeySpan; from: number; native?: NativeName }
  | { op: 'unwatch'; at: SlotAt[]; watchId: number }
  /** Answered once everything up to the revision that the question brings has been told to the sender's watches. */
  | { op: 'settle'; at: SlotAt[] };

export interface KeyChange {
  slot: number;
  revision: number;
  key: string;
  /** Undefined where it is gone. */
  entry?: KeyEntry;
  prev?: KeyEntry;
}

/** A name whose native publications a session server shows as keys. It is asked about wherever its keys are. */
export interface NativeName {
  slot: number;
  dataInfoId: DataInfoId;
}

/** A publication that was made by no client of etcd. What keys it is shown under, only session servers know. */
export interface NativeEntry {
  registerId: string;
  body: Uint8Array;
  /** As of a key: 1 of what was there before anybody asked for the name. */
  createRevision: number;
  modRevision: number;
  version: number;
}

export interface NativeChange {
  slot: number;
  revision: number;
  dataInfoId: DataInfoId;
  registerId: string;
  /** Undefined where it is gone. */
  entry?: NativeEntry;
  prev?: NativeEntry;
}

/** What happens in a slot, for those who watch its keys. */
export type SlotChange = KeyChange | NativeChange;

export function isNativeChange(change: SlotChange): change is NativeChange {
  return 'registerId' in change;
}

export type KeyOutcome = { entry?: KeyEntry; deleted?: number };

export interface LeaseState {
  id: string;
  grant: number;
  ttlS: number;
  leftMs: number;
  slots: number[];
}

export type KeyResult =
  | { op: 'txn'; succeeded: boolean; outcomes: KeyOutcome[]; stored: Publication[] }
  /** `natives` by the leader of the slot in which those asked for are. */
  | { op: 'range'; entries: KeyEntry[]; natives?: NativeEntry[] }
  | { op: 'deleteRange'; deleted: KeyEntry[] }
  | { op: 'lease'; lease?: LeaseState; stored?: Publication }
  | { op: 'attached'; keys: string[] }
  | { op: 'leases'; ids: string[] }
  /** All of the span in these slots, and what has changed since `from`; `compacted` where that is not known. */
  | { op: 'watch'; entries: KeyEntry[]; natives?: NativeEntry[]; changes: SlotChange[]; compacted?: number }
  | { op: 'done' }
  /**
   * `MOVED`: one of the slots is not led by the receiver at that leaderEpoch; nothing was done. Other codes are those of the
   * keyspace.
   */
  | { op: 'failed'; code: string };

export type KeysToData = {
  kind: 'keys';
  requestId: number;
  tableEpoch: number;
  /** The highest revision that the sender has seen: what is answered is at least at that. */
  seen: number;
  /** For what is published: by the clock of the sender, for people. */
  wallMs: number;
  zone: string;
  ask: KeyAsk;
};

export type KeysFromData =
  | { kind: 'keysAnswer'; requestId: number; tableEpoch: number; revision: number; result: KeyResult }
  /** In order of their revisions; everything up to `revision` has been told under this number. */
  | { kind: 'keysChanged'; watchId: number; revision: number; changes: SlotChange[] };
