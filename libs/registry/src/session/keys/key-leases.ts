import { ETCD_LIMITS, type EtcdCode, leaseDataInfoId, toBytes } from '#etcd';
import { type KeyAsk, type KeyResult, type LeaseState, type Publication, type SlotAt, randomUint32 } from '#model';
import type { KeyAnswers } from './contract.js';
import type { AttachedLease } from './key-writes.js';
import type { Done, Fail, KeyQuestions } from './key-questions.js';

/** Where publications go of which this server is to have a copy. */
export type KeepCopy = (publication: Publication) => void;

/** Leases of the keyspace, and the keys that are attached to them, wherever those are. */
export class KeyLeases {
  constructor(
    private readonly questions: KeyQuestions,
    private readonly keepCopy: KeepCopy,
    /** This server looks after as many leases as it can. */
    private readonly isFull: () => boolean,
  ) {}

  /** Tells leases that keys of a slot are attached to them, which tells whether there are such leases. */
  attach(ids: string[], slot: number, fail: Fail, done: (leases: ReadonlyMap<string, AttachedLease>) => void): void {
    const leases = new Map<string, AttachedLease>();
    const next = (index: number): void => {
      const id = ids[index];
      if (id === undefined) return done(leases);
      const dataInfoId = leaseDataInfoId(id);
      const make = (at: SlotAt[]): KeyAsk => ({ op: 'lease', at, id, dataInfoId, act: 'attach', slots: [slot] });
      this.questions.write(this.questions.slots.slotOf(dataInfoId), make, fail, (result) => {
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

  grant(
    { id: wanted, ttlS: asked }: { id: bigint; ttlS: bigint },
    answer: Done<KeyAnswers['grant']>,
    fail: Fail,
  ): void {
    if (asked > ETCD_LIMITS.maxTtlS) return fail('LEASE_TTL_TOO_LARGE');
    if (this.isFull()) return fail('OVERLOADED');
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
    this.questions.write(this.questions.slots.slotOf(dataInfoId), make, refused, (result, revision) => {
      this.leaseIn(result);
      answer({ header: this.questions.header(revision), id, ttlS: BigInt(ttlS) }, revision);
    });
  }

  revoke(id: bigint, answer: Done<KeyAnswers['revoke']>, fail: Fail): void {
    this.lease(id, 'revoke', fail, (lease, revokedAt) => {
      if (!lease) return fail('LEASE_NOT_FOUND');
      let left = lease.slots.length;
      let revision = revokedAt;
      let problem: EtcdCode | undefined;
      const end = (): void => {
        if (problem) fail(problem);
        else answer({ header: this.questions.header(revision) }, revision);
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
    const deadlineMs = this.questions.context.limits.persistDeadlineMs;
    this.questions.asks.ask([slot], make, { deadlineMs, isRepeatable: true }, (asked) => {
      done(asked.ok ? undefined : asked.code, asked.ok ? asked.parts[0]!.revision : 0);
    });
  }

  timeToLive(id: bigint, keys: boolean, answer: Done<KeyAnswers['timeToLive']>, fail: Fail): void {
    this.lease(id, 'tell', fail, (lease, revision) => {
      const header = this.questions.header(revision);
      if (!lease) return answer({ header, id, ttlS: -1n, grantedTtlS: 0n, keys: [] }, revision);
      const [ttlS, grantedTtlS] = [BigInt(Math.floor(lease.leftMs / 1_000)), BigInt(lease.ttlS)];
      if (!keys || lease.slots.length === 0) return answer({ header, id, ttlS, grantedTtlS, keys: [] }, revision);
      const make = (at: SlotAt[]): KeyAsk => ({ op: 'attached', at, lease, act: 'list' });
      this.questions.ask(lease.slots, make, fail, (parts, at) => {
        const found = parts.flatMap(({ result }) => (result.op === 'attached' ? result.keys : []));
        answer({ header: this.questions.header(at), id, ttlS, grantedTtlS, keys: found.toSorted().map(toBytes) }, at);
      });
    });
  }

  /** What its leader says of a lease; renewing and looking may be done twice, revoking is done once. */
  lease(id: bigint, act: 'renew' | 'revoke' | 'tell', fail: Fail, done: Done<LeaseState | undefined>): void {
    const name = String(BigInt.asIntN(64, id));
    const dataInfoId = leaseDataInfoId(name);
    const slot = this.questions.slots.slotOf(dataInfoId);
    const make = (at: SlotAt[]): KeyAsk => ({ op: 'lease', at, id: name, dataInfoId, act });
    const took = (result: KeyResult, revision: number): void => done(this.leaseIn(result), revision);
    if (act === 'revoke') return this.questions.write(slot, make, fail, took);
    this.questions.ask([slot], make, fail, ([part], revision) => took(part!.result, revision));
  }

  /** Those that any server knows. */
  private newId(): bigint {
    const { random } = this.questions.context;
    return BigInt.asUintN(63, (BigInt(randomUint32(random)) << 32n) | BigInt(randomUint32(random))) || 1n;
  }
}
