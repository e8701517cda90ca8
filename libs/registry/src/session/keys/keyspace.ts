import {
  ETCD_LIMITS,
  type DeleteRangeRequest,
  type EtcdCode,
  type Header,
  type KeyLayout,
  type RangeRequest,
  type TxnOperation,
  type TxnRequest,
  type TxnResult,
  checkPut,
  checkRange,
  checkTxn,
  leaseDataInfoId,
  placeOf,
  selected,
  toBytes,
  toKey,
  toKeyValue,
  toSpan,
  hashOf,
} from '#etcd';
import {
  type DataInfoId,
  type KeyAsk,
  type KeyEntry,
  type KeyOutcome,
  type KeyResult,
  type KeySpan,
  type LeaseState,
  type Publication,
  type SlotAt,
  randomUint32,
} from '#model';
import type { SessionContext } from '../context.js';
import { refusalOf } from '../refusals.js';
import type { Slots } from '../slots.js';
import type { KeyAnswers, KeyCall, KeyReply } from './contract.js';
import type { KeyAsks, KeyPart } from './key-asks.js';
import { type AttachedLease, leaseIdOf, toCompare, toOperations } from './key-writes.js';

/** Rounds in which a range over several servers is brought to one revision. */
const ROUNDS = 5;

type Answered = (reply: KeyReply) => void;
type Done<Value> = (value: Value, revision: number) => void;

/** Where publications go of which this server is to have a copy. */
export type KeepCopy = (publication: Publication) => void;

/**
 * The keyspace of etcd at a session server: what an edge asks is made into questions to the leaders of slots, and their answers
 * into one. See `EtcdStore` for what each means.
 */
export class SessionKeys {
  private compacted = 0n;

  constructor(
    private readonly context: SessionContext,
    private readonly slots: Slots,
    private readonly asks: KeyAsks,
    private readonly keepCopy: KeepCopy,
    private readonly layouts: readonly KeyLayout[],
  ) {}

  get compactRevision(): bigint {
    return this.compacted;
  }

  header(revision: number = this.asks.seen): Header {
    const { clusterId, self, tableEpoch } = this.context;
    return {
      clusterId: hashOf(clusterId),
      memberId: hashOf(self.incarnation),
      revision: BigInt(revision),
      raftTerm: BigInt(tableEpoch),
    };
  }

  call(call: KeyCall, answered: Answered): void {
    const fail = (code: EtcdCode): void => answered({ ok: false, code });
    const answer = (value: KeyAnswers[KeyCall['method']]): void => answered({ ok: true, answer: value });
    if (this.asks.isUnsupported) return fail('UNSUPPORTED');
    switch (call.method) {
      case 'range':
        return this.range(call.request, answer, fail);
      case 'put': {
        const problem = checkPut(call.request);
        if (problem) return fail(problem);
        const { request } = call;
        const put: TxnRequest = { compare: [], success: [{ op: 'put', request }], failure: [] };
        return this.change(put, fail, ({ outcomes: [outcome = {}] }, revision) => {
          const prevKv = outcome.entry && toKeyValue(outcome.entry);
          answer({ header: this.header(revision), ...(prevKv ? { prevKv } : {}) });
        });
      }
      case 'deleteRange':
        return this.deleteRange(call.request, answer, fail);
      case 'txn': {
        const problem = checkTxn(call.request) ?? this.isServed(call.request);
        if (problem) return fail(problem);
        return this.change(call.request, fail, ({ succeeded, outcomes }, revision) => {
          const header = this.header(revision);
          const operations = succeeded ? call.request.success : call.request.failure;
          const results = operations.map((each, index) => resultOf(each, outcomes[index] ?? {}, header));
          answer({ header, succeeded, results });
        });
      }
      case 'compact': {
        const header = this.header();
        if (call.revision > header.revision) return fail('FUTURE_REVISION');
        if (call.revision <= this.compacted) return fail('COMPACTED');
        this.compacted = call.revision;
        return answer({ header });
      }
      case 'grant':
        return this.grant(call.request, answer, fail);
      case 'revoke':
        return this.revoke(call.id, answer, fail);
      case 'keepAlive':
        return this.lease(call.id, 'renew', fail, (lease, revision) => {
          answer({ header: this.header(revision), id: call.id, ttlS: BigInt(lease?.ttlS ?? 0) });
        });
      case 'timeToLive':
        return this.timeToLive(call.id, call.keys, answer, fail);
      case 'leases':
        return this.everywhere(
          (at) => ({ op: 'leases', at }),
          fail,
          (parts, revision) => {
            const ids = parts.flatMap(({ result }) => (result.op === 'leases' ? result.ids : []));
            answer({ header: this.header(revision), ids: ids.map(BigInt) });
          },
        );
    }
  }

  /** The slots in which a key of the span may be. */
  slotsOf(span: KeySpan): number[] {
    if (span.end !== '') return this.slots.all.map(({ slot }) => slot);
    const place = placeOf(span.key, this.layouts);
    return place ? [this.slots.slotOf(place.dataInfoId)] : [];
  }

  slotOfKey(key: string): number {
    return this.slots.slotOf(placeOf(key, this.layouts)!.dataInfoId);
  }

  private range(request: RangeRequest, answer: Done<KeyAnswers['range']>, fail: (code: EtcdCode) => void): void {
    const problem = checkRange(request);
    if (problem) return fail(problem);
    const { revision: wanted = 0n } = request;
    if (wanted > BigInt(Number.MAX_SAFE_INTEGER)) return fail('FUTURE_REVISION');
    if (wanted > 0n && wanted < this.compacted) return fail('COMPACTED');
    const span = toSpan(request);
    const isRead = !request.keysOnly && !request.countOnly;
    const needsValues = isRead || request.sort?.target === 'value';
    this.read(span, needsValues, Number(wanted), fail, (entries, revision) => {
      if (wanted > BigInt(revision)) return fail('FUTURE_REVISION');
      if (wanted > 0n && wanted < BigInt(revision)) {
        this.asks.see(revision);
        return this.unchangedSince(span, Number(wanted), fail, () => {
          answer({ header: this.header(revision), ...selected(entries.map(toKeyValue), request) }, revision);
        });
      }
      answer({ header: this.header(revision), ...selected(entries.map(toKeyValue), request) }, revision);
    });
  }

  /** What was at an earlier revision is what is now, if the leaders remember that nothing has changed since. */
  private unchangedSince(span: KeySpan, revision: number, fail: (code: EtcdCode) => void, same: () => void): void {
    const watchId = 0;
    const make = (at: SlotAt[]): KeyAsk => ({ op: 'watch', at, watchId, span, from: revision + 1 });
    this.ask(this.slotsOf(span), make, fail, (parts) => {
      for (const { link } of parts)
        this.asks.send(link, { op: 'unwatch', at: [], watchId }, 0, { answered: () => {}, lost: () => {} });
      const isSame = parts.every(
        ({ result }) => result.op === 'watch' && result.compacted === undefined && result.changes.length === 0,
      );
      if (isSame) same();
      else fail('COMPACTED');
    });
  }

  /** All of a span at one revision: whatever is not in it happens at a later one. In order of the keys. */
  private read(
    span: KeySpan,
    values: boolean,
    atLeast: number,
    fail: (code: EtcdCode) => void,
    done: Done<KeyEntry[]>,
  ): void {
    const known: KeyPart[] = [];
    const round = (slots: number[], left: number): void => {
      const make = (at: SlotAt[]): KeyAsk => ({ op: 'range', at, span, values });
      const deadlineMs = this.context.limits.readDeadlineMs;
      const isCurrent = atLeast > this.asks.seen ? 0 : atLeast;
      this.asks.ask(slots, make, { deadlineMs, isRepeatable: true, atLeast: isCurrent }, (asked) => {
        if (!asked.ok) return fail(asked.code);
        known.push(...asked.parts);
        const revisions = known.map(({ revision }) => revision);
        const [lowest, highest] = [Math.min(...revisions), Math.max(...revisions)];
        if (lowest < highest && left > 0) {
          const behind = known.filter(({ revision }) => revision < highest);
          for (const part of behind) known.splice(known.indexOf(part), 1);
          return round(
            behind.flatMap(({ slots: of }) => of),
            left - 1,
          );
        }
        const entries = known.flatMap(({ result }) => (result.op === 'range' ? result.entries : []));
        done(
          entries.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
          lowest,
        );
      });
    };
    const slots = this.slotsOf(span);
    if (slots.length === 0) done([], this.asks.seen);
    else round(slots, ROUNDS);
  }

  private deleteRange(
    request: DeleteRangeRequest,
    answer: Done<KeyAnswers['deleteRange']>,
    fail: (code: EtcdCode) => void,
  ): void {
    const problem = checkRange(request) ?? this.refusal();
    if (problem) return fail(problem);
    const span = toSpan(request);
    const { prevKv: prev = false } = request;
    this.read(span, false, 0, fail, (entries, readAt) => {
      const slots = [...new Set(entries.map(({ key }) => this.slotOfKey(key)))];
      let left = slots.length;
      let revision = readAt;
      let problem: EtcdCode | undefined;
      const deleted: KeyEntry[] = [];
      const end = (): void => {
        if (problem) return fail(problem);
        deleted.sort((a, b) => (a.key < b.key ? -1 : 1));
        const prevKvs = prev ? deleted.map(toKeyValue) : [];
        answer({ header: this.header(revision), deleted: BigInt(deleted.length), prevKvs }, revision);
      };
      if (left === 0) return end();
      for (const slot of slots) {
        const make = (at: SlotAt[]): KeyAsk => ({ op: 'deleteRange', at, span, prev });
        this.write(
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
      const place = placeOf(toKey(range.key), this.layouts);
      if (!place) return 'KEY_TOO_LARGE';
      keys.add(place.dataInfoId);
    }
    return keys.size > 1 ? 'TXN_NOT_SERVED' : undefined;
  }

  /** First the leases that it names are told in which slot their keys are, then the leader of that decides. */
  private change(
    request: TxnRequest,
    fail: (code: EtcdCode) => void,
    done: Done<{ succeeded: boolean; outcomes: KeyOutcome[] }>,
  ): void {
    const { compare, success, failure } = request;
    const named = compare[0]?.key ?? keyOf([...success, ...failure][0]);
    if (!named) return done({ succeeded: true, outcomes: [] }, this.asks.seen);
    const place = placeOf(toKey(named), this.layouts);
    if (!place) return fail('KEY_TOO_LARGE');
    const operations = [...success, ...failure];
    const isWrite = operations.some(({ op }) => op !== 'range');
    const refusal = isWrite ? this.refusal(place.dataInfoId) : undefined;
    if (refusal) return fail(refusal);
    const slot = this.slots.slotOf(place.dataInfoId);
    const ids = operations.flatMap((each) => (each.op === 'put' ? [leaseIdOf(each.request)] : []));
    this.attach(
      [...new Set(ids)].filter((id) => id !== ''),
      slot,
      fail,
      (leases) => {
        const yes = toOperations(success, leases, this.layouts);
        const no = toOperations(failure, leases, this.layouts);
        if (!yes.ok) return fail(yes.code);
        if (!no.ok) return fail(no.code);
        const txn = { compare: compare.map(toCompare), success: yes.value, failure: no.value };
        this.write(
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

  private attach(
    ids: string[],
    slot: number,
    fail: (code: EtcdCode) => void,
    done: (leases: ReadonlyMap<string, AttachedLease>) => void,
  ): void {
    const leases = new Map<string, AttachedLease>();
    const next = (index: number): void => {
      const id = ids[index];
      if (id === undefined) return done(leases);
      const dataInfoId = leaseDataInfoId(id);
      const make = (at: SlotAt[]): KeyAsk => ({ op: 'lease', at, id, dataInfoId, act: 'attach', slots: [slot] });
      this.write(this.slots.slotOf(dataInfoId), make, fail, (result) => {
        const lease = this.leaseIn(result);
        if (!lease) return fail('LEASE_NOT_FOUND');
        leases.set(id, lease);
        next(index + 1);
      });
    };
    next(0);
  }

  private leaseIn(result: KeyResult): LeaseState | undefined {
    if (result.op !== 'lease') return undefined;
    if (result.stored) this.keepCopy(result.stored);
    return result.lease;
  }

  private grant(
    { id: wanted, ttlS: asked }: { id: bigint; ttlS: bigint },
    answer: Done<KeyAnswers['grant']>,
    fail: (code: EtcdCode) => void,
  ): void {
    if (asked > ETCD_LIMITS.maxTtlS) return fail('LEASE_TTL_TOO_LARGE');
    const ttlS = Number(asked < ETCD_LIMITS.minTtlS ? ETCD_LIMITS.minTtlS : asked);
    const id = wanted === 0n ? this.newId() : BigInt.asIntN(64, wanted);
    const dataInfoId = leaseDataInfoId(String(id));
    const make = (at: SlotAt[]): KeyAsk => {
      return { op: 'grant', at, id: String(id), dataInfoId, ttlS, leaseMs: ttlS * 1_000 };
    };
    const refused = (code: EtcdCode): void => {
      if (code === 'LEASE_EXISTS' && wanted === 0n) this.grant({ id: wanted, ttlS: asked }, answer, fail);
      else fail(code);
    };
    this.write(this.slots.slotOf(dataInfoId), make, refused, (result, revision) => {
      this.leaseIn(result);
      answer({ header: this.header(revision), id, ttlS: BigInt(ttlS) }, revision);
    });
  }

  private revoke(id: bigint, answer: Done<KeyAnswers['revoke']>, fail: (code: EtcdCode) => void): void {
    this.lease(id, 'revoke', fail, (lease, revokedAt) => {
      if (!lease) return fail('LEASE_NOT_FOUND');
      let left = lease.slots.length;
      let revision = revokedAt;
      let problem: EtcdCode | undefined;
      const end = (): void => {
        if (problem) fail(problem);
        else answer({ header: this.header(revision) }, revision);
      };
      if (left === 0) return end();
      for (const slot of lease.slots) {
        this.removeAttached(lease, slot, (code, at) => {
          problem ??= code;
          revision = Math.max(revision, at);
          if (--left === 0) end();
        });
      }
    });
  }

  /** Removing what is there twice removes nothing more, so it is tried again until the time for it is over. */
  removeAttached(
    { id, grant }: { id: string; grant: number },
    slot: number,
    done: (problem: EtcdCode | undefined, revision: number) => void,
  ): void {
    const make = (at: SlotAt[]): KeyAsk => ({ op: 'attached', at, lease: { id, grant }, act: 'remove' });
    const deadlineMs = this.context.limits.persistDeadlineMs;
    this.asks.ask([slot], make, { deadlineMs, isRepeatable: true }, (asked) => {
      done(asked.ok ? undefined : asked.code, asked.ok ? asked.parts[0]!.revision : 0);
    });
  }

  private timeToLive(
    id: bigint,
    keys: boolean,
    answer: Done<KeyAnswers['timeToLive']>,
    fail: (code: EtcdCode) => void,
  ): void {
    this.lease(id, 'tell', fail, (lease, revision) => {
      const header = this.header(revision);
      if (!lease) return answer({ header, id, ttlS: -1n, grantedTtlS: 0n, keys: [] }, revision);
      const [ttlS, grantedTtlS] = [BigInt(Math.floor(lease.leftMs / 1_000)), BigInt(lease.ttlS)];
      if (!keys || lease.slots.length === 0) return answer({ header, id, ttlS, grantedTtlS, keys: [] }, revision);
      const make = (at: SlotAt[]): KeyAsk => ({ op: 'attached', at, lease, act: 'list' });
      this.ask(lease.slots, make, fail, (parts, at) => {
        const found = parts.flatMap(({ result }) => (result.op === 'attached' ? result.keys : []));
        answer({ header: this.header(at), id, ttlS, grantedTtlS, keys: found.toSorted().map(toBytes) }, at);
      });
    });
  }

  /** What its leader says of a lease; renewing and looking may be done twice, revoking is done once. */
  private lease(
    id: bigint,
    act: 'renew' | 'revoke' | 'tell',
    fail: (code: EtcdCode) => void,
    done: Done<LeaseState | undefined>,
  ): void {
    const name = String(BigInt.asIntN(64, id));
    const dataInfoId = leaseDataInfoId(name);
    const slot = this.slots.slotOf(dataInfoId);
    const make = (at: SlotAt[]): KeyAsk => ({ op: 'lease', at, id: name, dataInfoId, act });
    const took = (result: KeyResult, revision: number): void => done(this.leaseIn(result), revision);
    if (act === 'revoke') return this.write(slot, make, fail, took);
    this.ask([slot], make, fail, ([part], revision) => took(part!.result, revision));
  }

  private everywhere(make: (at: SlotAt[]) => KeyAsk, fail: (code: EtcdCode) => void, done: Done<KeyPart[]>): void {
    this.ask(
      this.slots.all.map(({ slot }) => slot),
      make,
      fail,
      done,
    );
  }

  private ask(
    slots: number[],
    make: (at: SlotAt[]) => KeyAsk,
    fail: (code: EtcdCode) => void,
    done: Done<KeyPart[]>,
  ): void {
    const deadlineMs = this.context.limits.readDeadlineMs;
    this.asks.ask(slots, make, { deadlineMs, isRepeatable: true }, (asked) => {
      if (!asked.ok) return fail(asked.code);
      done(asked.parts, Math.max(...asked.parts.map(({ revision }) => revision)));
    });
  }

  private write(
    slot: number,
    make: (at: SlotAt[]) => KeyAsk,
    fail: (code: EtcdCode) => void,
    done: Done<KeyResult>,
  ): void {
    const deadlineMs = this.context.limits.persistDeadlineMs;
    this.asks.ask([slot], make, { deadlineMs, isRepeatable: false }, (asked) => {
      if (!asked.ok) return fail(asked.code);
      const [{ result, revision }] = asked.parts as [KeyPart];
      done(result, revision);
    });
  }

  private refusal(dataInfoId: DataInfoId = ''): EtcdCode | undefined {
    const refusal = refusalOf(this.context, dataInfoId);
    if (!refusal) return undefined;
    return refusal.code === 'BLACKLISTED' ? 'BLACKLISTED' : 'READ_ONLY';
  }

  private newId(): bigint {
    const { random } = this.context;
    return BigInt.asUintN(63, (BigInt(randomUint32(random)) << 32n) | BigInt(randomUint32(random))) || 1n;
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
