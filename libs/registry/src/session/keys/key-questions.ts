import {
  type EtcdCode,
  type Header,
  type KeyLayout,
  type NativeKeysIn,
  type NativeService,
  hashOf,
  placeOf,
} from '#etcd';
import type { DataInfoId, KeyAsk, KeyResult, KeySpan, SlotAt } from '#model';
import type { SessionContext } from '../context.js';
import { refusalOf } from '../refusals.js';
import type { Slots } from '../slots.js';
import type { KeyAsks, KeyPart } from './key-asks.js';

export type Done<Value> = (value: Value, revision: number) => void;
export type Fail = (code: EtcdCode) => void;

/** Where keys are, and how those who lead there are asked: once, or again where an answer is lost. */
export class KeyQuestions {
  constructor(
    readonly context: SessionContext,
    readonly slots: Slots,
    readonly asks: KeyAsks,
    readonly layouts: readonly KeyLayout[],
    private readonly nativeKeysIn: NativeKeysIn = () => undefined,
  ) {}

  /** Where the native publications are that are shown among the keys of a span. */
  nativeIn(span: KeySpan): { slot: number; service: NativeService } | undefined {
    const service = this.nativeKeysIn(span);
    return service && { slot: this.slots.slotOf(service.dataInfoId), service };
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

  /** The slots in which a key of the span may be. */
  slotsOf(span: KeySpan): number[] {
    if (span.end !== '') return this.slots.all.map(({ slot }) => slot);
    const place = placeOf(span.key, this.layouts);
    return place ? [this.slots.slotOf(place.dataInfoId)] : [];
  }

  slotOfKey(key: string): number {
    return this.slots.slotOf(placeOf(key, this.layouts)!.dataInfoId);
  }

  everywhere(make: (at: SlotAt[]) => KeyAsk, fail: Fail, done: Done<KeyPart[]>): void {
    this.ask(
      this.slots.all.map(({ slot }) => slot),
      make,
      fail,
      done,
    );
  }

  /** What may be done twice. */
  ask(slots: number[], make: (at: SlotAt[]) => KeyAsk, fail: Fail, done: Done<KeyPart[]>): void {
    const deadlineMs = this.context.limits.readDeadlineMs;
    this.asks.ask(slots, make, { deadlineMs, isRepeatable: true }, (asked) => {
      if (!asked.ok) return fail(asked.code);
      done(asked.parts, Math.max(...asked.parts.map(({ revision }) => revision)));
    });
  }

  /** What is done once: where its answer is lost, nobody knows whether it was. */
  write(slot: number, make: (at: SlotAt[]) => KeyAsk, fail: Fail, done: Done<KeyResult>): void {
    const deadlineMs = this.context.limits.persistDeadlineMs;
    this.asks.ask([slot], make, { deadlineMs, isRepeatable: false }, (asked) => {
      if (!asked.ok) return fail(asked.code);
      const [{ result, revision }] = asked.parts as [KeyPart];
      done(result, revision);
    });
  }

  /** Why nothing is written now, or not there. */
  refusal(dataInfoId: DataInfoId = ''): EtcdCode | undefined {
    const refusal = refusalOf(this.context, dataInfoId);
    if (!refusal) return undefined;
    return refusal.code === 'BLACKLISTED' ? 'BLACKLISTED' : 'READ_ONLY';
  }
}
