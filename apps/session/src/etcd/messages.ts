/**
 * Messages of libs/etcd/proto as they are decoded here, as far as they are read: numbers of 64 bits are text, what is left out has
 * its default, and an enum that nobody knows is the number that was sent.
 */
export interface RangeMessage {
  key: Buffer;
  range_end: Buffer;
  limit: string;
  revision: string;
  sort_order: string | number;
  sort_target: string | number;
  serializable: boolean;
  keys_only: boolean;
  count_only: boolean;
  min_mod_revision: string;
  max_mod_revision: string;
  min_create_revision: string;
  max_create_revision: string;
}

export interface PutMessage {
  key: Buffer;
  value: Buffer;
  lease: string;
  prev_kv: boolean;
  ignore_value: boolean;
  ignore_lease: boolean;
}

export interface DeleteRangeMessage {
  key: Buffer;
  range_end: Buffer;
  prev_kv: boolean;
}

/** At most one of them is there. */
export interface OperationMessage {
  request_range?: RangeMessage;
  request_put?: PutMessage;
  request_delete_range?: DeleteRangeMessage;
  request_txn?: TxnMessage;
}

export interface CompareMessage {
  result: string | number;
  target: string | number;
  key: Buffer;
  range_end: Buffer;
  version?: string;
  create_revision?: string;
  mod_revision?: string;
  value?: Buffer;
  lease?: string;
}

export interface TxnMessage {
  compare: CompareMessage[];
  success: OperationMessage[];
  failure: OperationMessage[];
}

export interface WatchMessage {
  create_request?: WatchCreateMessage;
  cancel_request?: { watch_id: string };
  progress_request?: object;
}

export interface WatchCreateMessage {
  key: Buffer;
  range_end: Buffer;
  start_revision: string;
  progress_notify: boolean;
  filters: (string | number)[];
  prev_kv: boolean;
  watch_id: string;
  fragment: boolean;
}

export interface LeaseGrantMessage {
  TTL: string;
  ID: string;
}

export interface LeaseMessage {
  ID: string;
}

export interface TimeToLiveMessage extends LeaseMessage {
  keys: boolean;
}
