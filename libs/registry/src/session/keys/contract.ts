import type {
  DeleteRangeAnswer,
  DeleteRangeRequest,
  EtcdCode,
  Header,
  PutAnswer,
  PutRequest,
  RangeAnswer,
  RangeRequest,
  TimeToLiveAnswer,
  TxnAnswer,
  TxnRequest,
} from '#etcd';

/** What an edge asks of the keyspace: see `EtcdStore`, each method of which is one of these. */
export type KeyCall =
  | { method: 'range'; request: RangeRequest }
  | { method: 'put'; request: PutRequest }
  | { method: 'deleteRange'; request: DeleteRangeRequest }
  | { method: 'txn'; request: TxnRequest }
  | { method: 'compact'; revision: bigint }
  | { method: 'grant'; request: { id: bigint; ttlS: bigint } }
  | { method: 'revoke'; id: bigint }
  | { method: 'keepAlive'; id: bigint }
  | { method: 'timeToLive'; id: bigint; keys: boolean }
  | { method: 'leases' };

export interface KeyAnswers {
  range: RangeAnswer;
  put: PutAnswer;
  deleteRange: DeleteRangeAnswer;
  txn: TxnAnswer;
  compact: { header: Header };
  grant: { header: Header; id: bigint; ttlS: bigint };
  revoke: { header: Header };
  keepAlive: { header: Header; id: bigint; ttlS: bigint };
  timeToLive: TimeToLiveAnswer;
  leases: { header: Header; ids: bigint[] };
}

export type KeyOutcomeOf<Method extends KeyCall['method']> =
  { ok: true; answer: KeyAnswers[Method] } | { ok: false; code: EtcdCode };

/** The answer is that of the method asked for. */
export type KeyReply = { ok: true; answer: KeyAnswers[KeyCall['method']] } | { ok: false; code: EtcdCode };
