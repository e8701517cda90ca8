import type {
  DeleteRangeAnswer,
  Header,
  KeyEvent,
  KeyValue,
  PutAnswer,
  RangeAnswer,
  TxnAnswer,
  TxnResult,
} from '#etcd';

/** Answers of the store as messages of libs/etcd/proto, in which numbers of 64 bits are text. */
export function header({ clusterId, memberId, revision, raftTerm }: Header): object {
  return {
    ...{ cluster_id: String(clusterId), member_id: String(memberId) },
    ...{ revision: String(revision), raft_term: String(raftTerm) },
  };
}

export function keyValue({ key, value, createRevision, modRevision, version, lease }: KeyValue): object {
  return {
    ...{ key, value, lease: String(lease), version: String(version) },
    ...{ create_revision: String(createRevision), mod_revision: String(modRevision) },
  };
}

export function rangeMessage(answer: RangeAnswer): object {
  const { kvs, more, count } = answer;
  return { header: header(answer.header), kvs: kvs.map(keyValue), more, count: String(count) };
}

export function putMessage({ header: head, prevKv }: PutAnswer): object {
  return { header: header(head), ...(prevKv ? { prev_kv: keyValue(prevKv) } : {}) };
}

export function deleteRangeMessage({ header: head, deleted, prevKvs }: DeleteRangeAnswer): object {
  return { header: header(head), deleted: String(deleted), prev_kvs: prevKvs.map(keyValue) };
}

export function txnMessage({ header: head, succeeded, results }: TxnAnswer): object {
  return { header: header(head), succeeded, responses: results.map(resultMessage) };
}

/** Within a txn the revision is all that etcd tells in a header. */
function resultMessage(result: TxnResult): object {
  const header = { revision: String(result.answer.header.revision) };
  switch (result.op) {
    case 'range':
      return { response_range: { ...rangeMessage(result.answer), header } };
    case 'put':
      return { response_put: { ...putMessage(result.answer), header } };
    case 'deleteRange':
      return { response_delete_range: { ...deleteRangeMessage(result.answer), header } };
  }
}

export function eventMessage({ type, kv, prevKv }: KeyEvent): object {
  return {
    type: type === 'put' ? 'PUT' : 'DELETE',
    kv: keyValue(kv),
    ...(prevKv ? { prev_kv: keyValue(prevKv) } : {}),
  };
}
