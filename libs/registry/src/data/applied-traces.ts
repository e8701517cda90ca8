import { LIMITS, type TraceApplied, type Traced, isPlainObject } from '#model';
import type { Datum } from './datum.js';

/** What is traced of the operations that are being applied: it goes on with the change, to all who are told of that. */
export class AppliedTraces {
  private all: Traced[] = [];
  /** Of each publication the last, since that is the one that is told. */
  private readonly byRegisterId = new Map<string, Traced>();
  private readonly told = new Map<string, number>();
  private nowMs = 0;

  /** @param traces as a session server says; what is not of the protocol is as good as none */
  begin(nowMs: number, traces: unknown): void {
    this.end();
    if (!Array.isArray(traces) || traces.length > LIMITS.operationsPerApply) return;
    this.nowMs = nowMs;
    this.all = traces.filter(isTraced);
    for (const traced of this.all) this.byRegisterId.set(traced.registerId, traced);
  }

  end(): void {
    if (this.all.length === 0) return;
    this.all = [];
    this.byRegisterId.clear();
    this.told.clear();
  }

  /** The pending change of the datum, if anybody wants it, brings the publication. */
  applied({ pending, interest }: Datum, registerId: string): void {
    const traced = this.all.length > 0 ? this.byRegisterId.get(registerId) : undefined;
    if (!traced) return;
    this.told.set(traced.traceId, interest?.size ?? 0);
    if (!pending) return;
    pending.traces ??= [];
    if (pending.traces.some(({ traceId }) => traceId === traced.traceId)) return;
    for (const earlier of pending.traces) if (earlier.registerId === registerId) earlier.superseded = true;
    pending.traces.push({ ...traced, appliedAtMs: this.nowMs });
  }

  /** For whoever has sent the operations. What has changed nothing was told to nobody. */
  get answer(): { traced?: TraceApplied[] } {
    if (this.all.length === 0) return {};
    const { told, nowMs: appliedAtMs } = this;
    return { traced: this.all.map(({ traceId }) => ({ traceId, appliedAtMs, told: told.get(traceId) ?? 0 })) };
  }
}

function isTraced(value: unknown): value is Traced {
  if (!isPlainObject(value)) return false;
  const { traceId, registerId, acceptedAtMs } = value;
  const isTime = acceptedAtMs === undefined || Number.isFinite(acceptedAtMs);
  return isTime && [traceId, registerId].every((id) => typeof id === 'string' && id.length <= LIMITS.registerIdBytes);
}
