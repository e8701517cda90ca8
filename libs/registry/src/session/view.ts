import { type DatumVersion, type Publication, type Scope, compareVersions } from '#model';
import type { ConnectionId, PushFrame } from './contract.js';
import type { CachedDatum, Difference } from './datum-cache.js';
import { BOUNDS } from './limits.js';

/** One subscriber of one connection. */
export interface Subscription {
  readonly connection: ConnectionId;
  readonly subscriptionId: string;
  readonly view: View;
  /** The one that the client is in, whatever the view shows. */
  readonly zone: string;
  /** What the client had before, under this or another cluster. */
  readonly base: { clusterId: string; version: DatumVersion } | undefined;
  readonly wholeOnly: boolean;
  /** The type of the last push that carries content. */
  last: 'none' | 'pending' | 'partial' | 'whole';
  lastVersion: DatumVersion | undefined;
  /** True once it has ever acknowledged: from then on one push at a time. */
  acks: boolean;
  unacked: DatumVersion | undefined;
  /** True when newer state waits for the acknowledgement. */
  isBehind: boolean;
  /** Temporary publications to be told with the next push. Never changed in place, since others may share it. */
  temporary: readonly Publication[];
}

/**
 * One filter on one datum, and who looks through it. Each state of it is one frame object, made when it is first
 * needed and shared by all its subscribers.
 */
export class View {
  readonly subscriptions = new Set<Subscription>();
  /** Those who have not been sent any content. */
  readonly waiting = new Set<Subscription>();
  private frame: PushFrame | undefined;
  private unchanged: PushFrame | undefined;
  /** Frames that tell of temporary publications, by the list of those. */
  private temporary = new WeakMap<readonly Publication[], PushFrame>();

  constructor(
    readonly datum: CachedDatum,
    /** The only zone that is seen; undefined for all. */
    readonly zone: string | undefined,
  ) {}

  /** To be called whenever the datum took a message, whatever it changed. */
  invalidate(): void {
    this.frame = undefined;
    this.unchanged = undefined;
    this.temporary = new WeakMap();
  }

  isTouchedBy(difference: Difference): boolean {
    return this.zone === undefined ? difference.zones.size > 0 : difference.zones.has(this.zone);
  }

  /** What the subscription is to be sent now, or undefined when there is nothing to say yet. */
  frameFor(subscription: Subscription, clusterId: string): PushFrame | undefined {
    const { datum } = this;
    if (datum.state === 'unknown' || this.isBehindOf(subscription, clusterId)) return undefined;
    const { base, last } = subscription;
    const hasMore = subscription.temporary.length > 0;
    const isFirst = last === 'none' || last === 'pending';
    if (datum.state === 'complete') {
      const isKnown = base?.clusterId === clusterId && compareVersions(base.version, datum.version) === 0;
      if (hasMore) return this.temporaryFrame(subscription.temporary, clusterId);
      return isFirst && isKnown ? this.unchangedFrame(clusterId) : this.stateFrame(clusterId);
    }
    if (subscription.wholeOnly && base && isFirst) return undefined;
    const frame = this.stateFrame(clusterId);
    // While partial, an empty list says nothing, and nothing is told beside it.
    if (frame.type === 'partial' && frame.publications.length === 0 && frame.removed.length === 0)
      return last === 'none' ? { type: 'pending', dataInfoId: datum.dataInfoId } : undefined;
    return hasMore ? this.temporaryFrame(subscription.temporary, clusterId) : frame;
  }

  /** True when the client has seen a newer state than we hold; it is never taken back (invariant 5). */
  isBehindOf({ base, lastVersion }: Subscription, clusterId: string): boolean {
    const floor = lastVersion ?? (base?.clusterId === clusterId ? base.version : undefined);
    return floor !== undefined && compareVersions(this.datum.version, floor) < 0;
  }

  private stateFrame(clusterId: string): PushFrame {
    if (!this.frame) {
      const { dataInfoId, version, state, publications } = this.datum;
      const seen = select(publications.values(), this.zone);
      this.frame =
        state === 'complete'
          ? { type: 'snapshot', dataInfoId, clusterId, version, publications: seen }
          : { type: 'partial', dataInfoId, clusterId, version, publications: seen, removed: this.removed() };
    }
    return this.frame;
  }

  private temporaryFrame(temporary: readonly Publication[], clusterId: string): PushFrame {
    let frame = this.temporary.get(temporary);
    if (!frame) this.temporary.set(temporary, (frame = { ...this.stateFrame(clusterId), temporary } as PushFrame));
    return frame;
  }

  private unchangedFrame(clusterId: string): PushFrame {
    const { dataInfoId, version } = this.datum;
    return (this.unchanged ??= { type: 'unchanged', dataInfoId, clusterId, version });
  }

  /**
   * What left this view, with a removal or by changing its zone, since the datum was last complete. Only what we have
   * shown ourselves: a client's list has no stamps, so a removal may be older than what it got elsewhere.
   */
  private removed(): string[] {
    const removed: string[] = [];
    for (const [registerId, { tookAway }] of this.datum.removals) if (tookAway) removed.push(registerId);
    if (this.zone === undefined) return removed;
    for (const registerId of this.datum.rezoned) {
      const publication = this.datum.publications.get(registerId);
      if (publication && publication.zone !== this.zone) removed.push(registerId);
    }
    return removed;
  }
}

/** What waits for a slow reader is replaced by newer state; what is told only once goes on with that. */
export function supersede(waiting: PushFrame | undefined, frame: PushFrame): PushFrame {
  const told = waiting && 'temporary' in waiting ? waiting.temporary : undefined;
  if (!told || !('publications' in frame)) return frame;
  return { ...frame, temporary: [...told, ...(frame.temporary ?? [])].slice(-BOUNDS.temporaryPerSubscription) };
}

/** The zone that a view is confined to. There is one data center so far, so the wider scopes see everything. */
export function zoneOf(view: { scope: Scope; zone: string }): string | undefined {
  return view.scope === 'zone' ? view.zone : undefined;
}

export function select(publications: Iterable<Publication>, zone: string | undefined): Publication[] {
  if (zone === undefined) return [...publications];
  const seen: Publication[] = [];
  for (const publication of publications) if (publication.zone === zone) seen.push(publication);
  return seen;
}
