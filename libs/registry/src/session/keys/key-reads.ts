import { type RangeRequest, checkRange, selected, toKeyValue, toSpan } from '#etcd';
import type { KeyAsk, KeyEntry, KeySpan, NativeName, SlotAt } from '#model';
import type { KeyAnswers } from './contract.js';
import type { KeyPart } from './key-asks.js';
import { NativeKeys } from './native-keys.js';
import type { Done, Fail, KeyQuestions } from './key-questions.js';

/** Rounds in which a range over several servers is brought to one revision. */
const ROUNDS = 5;

/** Reads of the keyspace, each at one revision. */
export class KeyReads {
  private compacted = 0n;

  constructor(private readonly questions: KeyQuestions) {}

  get compactRevision(): bigint {
    return this.compacted;
  }

  compact(revision: bigint, answer: (value: KeyAnswers['compact']) => void, fail: Fail): void {
    const header = this.questions.header();
    if (revision > header.revision) return fail('FUTURE_REVISION');
    if (revision <= this.compacted) return fail('COMPACTED');
    this.compacted = revision;
    answer({ header });
  }

  range(request: RangeRequest, answer: Done<KeyAnswers['range']>, fail: Fail): void {
    const problem = checkRange(request);
    if (problem) return fail(problem);
    const { revision: wanted = 0n } = request;
    if (wanted > BigInt(Number.MAX_SAFE_INTEGER)) return fail('FUTURE_REVISION');
    if (wanted > 0n && wanted < this.compacted) return fail('COMPACTED');
    const span = toSpan(request);
    const isRead = !request.keysOnly && !request.countOnly;
    const needsValues = isRead || request.sort?.target === 'value';
    this.read(span, { values: needsValues, natives: true, atLeast: Number(wanted) }, fail, (entries, revision) => {
      if (wanted > BigInt(revision)) return fail('FUTURE_REVISION');
      if (wanted > 0n && wanted < BigInt(revision)) {
        this.questions.asks.see(revision);
        return this.unchangedSince(span, Number(wanted), fail, () => {
          answer({ header: this.questions.header(revision), ...selected(entries.map(toKeyValue), request) }, revision);
        });
      }
      answer({ header: this.questions.header(revision), ...selected(entries.map(toKeyValue), request) }, revision);
    });
  }

  /** What was at an earlier revision is what is now, if the leaders remember that nothing has changed since. */
  private unchangedSince(span: KeySpan, revision: number, fail: Fail, same: () => void): void {
    const watchId = 0;
    const native = this.native(span).name;
    const make = (at: SlotAt[]): KeyAsk => ({ op: 'watch', at, watchId, span, from: revision + 1, ...native });
    this.questions.ask(this.questions.slotsOf(span), make, fail, (parts) => {
      for (const { link } of parts)
        this.questions.asks.send(link, { op: 'unwatch', at: [], watchId }, 0, { answered: () => {}, lost: () => {} });
      const isSame = parts.every(
        ({ result }) => result.op === 'watch' && result.compacted === undefined && result.changes.length === 0,
      );
      if (isSame) same();
      else fail('COMPACTED');
    });
  }

  /** All of a span at one revision: whatever is not in it happens at a later one. In order of the keys. */
  read(
    span: KeySpan,
    { values, natives = false, atLeast = 0 }: { values: boolean; natives?: boolean; atLeast?: number },
    fail: Fail,
    done: Done<KeyEntry[]>,
  ): void {
    const known: KeyPart[] = [];
    const { name, besides } = this.native(natives ? span : undefined);
    const round = (slots: number[], left: number): void => {
      const make = (at: SlotAt[]): KeyAsk => ({ op: 'range', at, span, values, ...name });
      const deadlineMs = this.questions.context.limits.readDeadlineMs;
      const isCurrent = atLeast > this.questions.asks.seen ? 0 : atLeast;
      this.questions.asks.ask(slots, make, { deadlineMs, isRepeatable: true, atLeast: isCurrent }, (asked) => {
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
          besides(entries, known).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
          lowest,
        );
      });
    };
    const slots = this.questions.slotsOf(span);
    if (slots.length === 0) done([], this.questions.asks.seen);
    else round(slots, ROUNDS);
  }

  private native(span: KeySpan | undefined): {
    name: { native?: NativeName };
    besides(entries: KeyEntry[], parts: readonly KeyPart[]): KeyEntry[];
  } {
    const native = span && this.questions.nativeIn(span);
    if (!native) return { name: {}, besides: (entries) => entries };
    const { slot, service } = native;
    return {
      name: { native: { slot, dataInfoId: service.dataInfoId } },
      besides: (entries, parts) => {
        const shown = parts.flatMap(({ result }) => (result.op === 'range' ? (result.natives ?? []) : []));
        return new NativeKeys(service, span, shown).besides(entries);
      },
    };
  }
}
