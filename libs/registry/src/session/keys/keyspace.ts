import {
  type DeleteRangeRequest,
  type EtcdCode,
  type Header,
  type TxnOperation,
  type TxnRequest,
  type TxnResult,
  checkPut,
  checkRange,
  checkTxn,
  placeOf,
  selected,
  toKey,
  toKeyValue,
  toSpan,
} from '#etcd';
import type { DataInfoId, KeyAsk, KeyEntry, KeyOutcome, SlotAt } from '#model';
import type { KeyAnswers, KeyCall, KeyReply } from './contract.js';
import { type KeepCopy, KeyLeases } from './key-leases.js';
import type { Done, Fail, KeyQuestions } from './key-questions.js';
import { KeyReads } from './key-reads.js';
import { leaseIdOf, toCompare, toOperations } from './key-writes.js';

type Answered = (reply: KeyReply) => void;

/**
 * The keyspace of etcd at a session server: what an edge asks is made into questions to the leaders of slots, and their answers
 * into one. See `EtcdStore` for what each means.
 */
export class SessionKeys {
  readonly reads: KeyReads;
  readonly leases: KeyLeases;

  constructor(
    readonly questions: KeyQuestions,
    private readonly keepCopy: KeepCopy,
    hasAllLeases: () => boolean,
  ) {
    this.reads = new KeyReads(questions);
    this.leases = new KeyLeases(questions, keepCopy, hasAllLeases);
  }

  call(call: KeyCall, answered: Answered): void {
    const fail = (code: EtcdCode): void => answered({ ok: false, code });
    const answer = (value: KeyAnswers[KeyCall['method']]): void => answered({ ok: true, answer: value });
    if (this.questions.asks.isUnsupported) return fail('UNSUPPORTED');
    switch (call.method) {
      case 'range':
        return this.reads.range(call.request, answer, fail);
      case 'put': {
        const problem = checkPut(call.request);
        if (problem) return fail(problem);
        const { request } = call;
        const put: TxnRequest = { compare: [], success: [{ op: 'put', request }], failure: [] };
        return this.change(put, fail, ({ outcomes: [outcome = {}] }, revision) => {
          const prevKv = outcome.entry && toKeyValue(outcome.entry);
          answer({ header: this.questions.header(revision), ...(prevKv ? { prevKv } : {}) });
        });
      }
      case 'deleteRange':
        return this.deleteRange(call.request, answer, fail);
      case 'txn': {
        const problem = checkTxn(call.request) ?? this.isServed(call.request);
        if (problem) return fail(problem);
        return this.change(call.request, fail, ({ succeeded, outcomes }, revision) => {
          const header = this.questions.header(revision);
          const operations = succeeded ? call.request.success : call.request.failure;
          const results = operations.map((each, index) => resultOf(each, outcomes[index] ?? {}, header));
          answer({ header, succeeded, results });
        });
      }
      case 'compact':
        return this.reads.compact(call.revision, answer, fail);
      case 'grant':
        return this.leases.grant(call.request, answer, fail);
      case 'revoke':
        return this.leases.revoke(call.id, answer, fail);
      case 'keepAlive':
        return this.leases.lease(call.id, 'renew', fail, (lease, revision) => {
          answer({ header: this.questions.header(revision), id: call.id, ttlS: BigInt(lease?.ttlS ?? 0) });
        });
      case 'timeToLive':
        return this.leases.timeToLive(call.id, call.keys, answer, fail);
      case 'leases':
        return this.questions.everywhere(
          (at) => ({ op: 'leases', at }),
          fail,
          (parts, revision) => {
            const ids = parts.flatMap(({ result }) => (result.op === 'leases' ? result.ids : []));
            answer({ header: this.questions.header(revision), ids: ids.map(BigInt) });
          },
        );
    }
  }

  private deleteRange(request: DeleteRangeRequest, answer: Done<KeyAnswers['deleteRange']>, fail: Fail): void {
    const problem = checkRange(request) ?? this.questions.refusal();
    if (problem) return fail(problem);
    const span = toSpan(request);
    const { prevKv: prev = false } = request;
    this.reads.read(span, { values: false }, fail, (entries, readAt) => {
      const slots = [...new Set(entries.map(({ key }) => this.questions.slotOfKey(key)))];
      let left = slots.length;
      let revision = readAt;
      let problem: EtcdCode | undefined;
      const deleted: KeyEntry[] = [];
      const end = (): void => {
        if (problem) return fail(problem);
        deleted.sort((a, b) => (a.key < b.key ? -1 : 1));
        const prevKvs = prev ? deleted.map(toKeyValue) : [];
        answer({ header: this.questions.header(revision), deleted: BigInt(deleted.length), prevKvs }, revision);
      };
      if (left === 0) return end();
      for (const slot of slots) {
        const make = (at: SlotAt[]): KeyAsk => ({ op: 'deleteRange', at, span, prev });
        this.questions.write(
          slot,
          make,
          (code) => {
            problem ??= code;
            if (--left === 0) end();
          },
          (result, at) => {
            if (result.op === 'deleteRange') deleted.push(...result.deleted);
            revision = Math.max(revision, at);
            if (--left === 0) end();
          },
        );
      }
    });
  }

  /** Whatever is asked about is one key, and all are in one slot. */
  private isServed({ compare, success, failure }: TxnRequest): EtcdCode | undefined {
    const ranges = [
      ...compare,
      ...[...success, ...failure].map(({ request }) => ('key' in request ? request : undefined)),
    ];
    const keys = new Set<DataInfoId>();
    for (const range of ranges) {
      if (!range || ('rangeEnd' in range && range.rangeEnd?.length)) return 'TXN_NOT_SERVED';
      const place = placeOf(toKey(range.key), this.questions.layouts);
      if (!place) return 'KEY_TOO_LARGE';
      keys.add(place.dataInfoId);
    }
    return keys.size > 1 ? 'TXN_NOT_SERVED' : undefined;
  }

  /** First the leases that it names are told in which slot their keys are, then the leader of that decides. */
  private change(request: TxnRequest, fail: Fail, done: Done<{ succeeded: boolean; outcomes: KeyOutcome[] }>): void {
    const { compare, success, failure } = request;
    const named = compare[0]?.key ?? keyOf([...success, ...failure][0]);
    if (!named) return done({ succeeded: true, outcomes: [] }, this.questions.asks.seen);
    const place = placeOf(toKey(named), this.questions.layouts);
    if (!place) return fail('KEY_TOO_LARGE');
    const operations = [...success, ...failure];
    const isWrite = operations.some(({ op }) => op !== 'range');
    const refusal = isWrite ? this.questions.refusal(place.dataInfoId) : undefined;
    if (refusal) return fail(refusal);
    const slot = this.questions.slots.slotOf(place.dataInfoId);
    const ids = operations.flatMap((each) => (each.op === 'put' ? [leaseIdOf(each.request)] : []));
    this.leases.attach(
      [...new Set(ids)].filter((id) => id !== ''),
      slot,
      fail,
      (leases) => {
        const yes = toOperations(success, leases, this.questions.layouts);
        const no = toOperations(failure, leases, this.questions.layouts);
        if (!yes.ok) return fail(yes.code);
        if (!no.ok) return fail(no.code);
        const txn = { compare: compare.map(toCompare), success: yes.value, failure: no.value };
        this.questions.write(
          slot,
          (at) => ({ op: 'txn', at, ...txn }),
          fail,
          (result, revision) => {
            if (result.op !== 'txn') return fail('INTERNAL');
            for (const publication of result.stored) this.keepCopy(publication);
            done(result, revision);
          },
        );
      },
    );
  }
}

function keyOf(operation: TxnOperation | undefined): Uint8Array | undefined {
  return operation && 'key' in operation.request ? operation.request.key : undefined;
}

function resultOf(operation: TxnOperation, { entry, deleted = 0 }: KeyOutcome, header: Header): TxnResult {
  const kv = entry && toKeyValue(entry);
  switch (operation.op) {
    case 'put':
      return { op: 'put', answer: { header, ...(kv ? { prevKv: kv } : {}) } };
    case 'deleteRange':
      return { op: 'deleteRange', answer: { header, deleted: BigInt(deleted), prevKvs: kv ? [kv] : [] } };
    default: {
      const request = operation.op === 'range' ? operation.request : { key: new Uint8Array() };
      return { op: 'range', answer: { header, ...selected(kv ? [kv] : [], request) } };
    }
  }
}
