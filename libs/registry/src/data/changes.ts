import type { DataToSession, DatumVersion, LinkId, Publication, Removal } from '#model';
import { AppliedTraces } from './applied-traces.js';
import type { Datum, PendingChange } from './datum.js';

export type ChangeMessage = Extract<DataToSession, { kind: 'change' }>;

/** A change, and the links that want it. All of them are sent the same object, so that it can be encoded once. */
export interface Delivery {
  links: ReadonlySet<LinkId>;
  change: ChangeMessage;
}

/** What happened to the datums of a slot since their subscribers were last told: one change per datum with interest. */
export class Changes {
  /** When the oldest of what is applied until `take` was accepted, and is applied; undefined where nobody knows. */
  times: PendingChange['times'];
  /** What of it is traced, and what has become of that. */
  readonly traces = new AppliedTraces();
  private changed: Datum[] = [];

  /** Opens the pending change of a datum, at the version it has before the change, where somebody wants it. */
  open(datum: Datum, from: () => DatumVersion): void {
    const { times } = this;
    const { pending } = datum;
    // Of several it is told how long the oldest has been on its way.
    if (pending && times && (!pending.times || pending.times[0] > times[0])) pending.times = times;
    if (!datum.interest?.size || pending) return;
    datum.pending = { from: from(), times, traces: undefined, upserts: new Map(), removals: new Map() };
    this.changed.push(datum);
  }

  upserted(datum: Datum, publication: Publication): void {
    datum.pending?.removals.delete(publication.registerId);
    datum.pending?.upserts.set(publication.registerId, publication);
    this.traces.applied(datum, publication.registerId);
  }

  removed(datum: Datum, { registerId, stamp, cause }: Removal): void {
    datum.pending?.upserts.delete(registerId);
    datum.pending?.removals.set(registerId, { registerId, stamp, cause });
  }

  /** Forgets what was not taken: all who are interested are to be sent the whole datum. */
  clear(): void {
    for (const datum of this.changed) datum.pending = undefined;
    this.changed = [];
  }

  /** @param names what every change of the slot names */
  take(
    names: Pick<ChangeMessage, 'slot' | 'leaderEpoch' | 'complete'>,
    versionOf: (datum: Datum) => DatumVersion,
  ): Delivery[] {
    this.times = undefined;
    this.traces.end();
    if (this.changed.length === 0) return [];
    const deliveries: Delivery[] = [];
    for (const datum of this.changed) {
      const { pending, interest, dataInfoId } = datum;
      datum.pending = undefined;
      if (!pending || !interest?.size) continue;
      const { from, times, traces } = pending;
      const upserts = [...pending.upserts.values()];
      const removals = [...pending.removals.values()];
      const change: ChangeMessage = {
        kind: 'change',
        ...names,
        dataInfoId,
        from,
        to: versionOf(datum),
        upserts,
        removals,
        ...(times ? { times } : {}),
        ...(traces ? { traces } : {}),
      };
      deliveries.push({ links: interest, change });
    }
    this.changed = [];
    return deliveries;
  }
}
