import { Catalogue, CATALOGUE_LIMITS, type Instance } from '#eureka';
import {
  DEFAULT_GROUP,
  DEFAULT_INSTANCE_ID,
  type DataInfoId,
  type Env,
  type Publication,
  RegistryError,
  compareStamps,
  toDataInfoId,
} from '#model';
import { type ConfigFrame, DEFAULT_ZONE, type PushFrame, presentPublication } from '#registry';
import { decodeBody } from '#wire';
import type { ConnectionSink, SessionHost } from '../session.host.js';
import type { ClusterNames, NamesRead } from './cluster-names.js';

/** As it is shown where clients are listed. */
const ADDRESS = 'eureka';

/** How long an answer waits for names of which nothing is known yet. Clients in Java wait 8 s for it. */
const KNOWN_WITHIN_MS = 5_000;

/** When nobody has asked for so long, nothing is held any more. Eureka's clients ask every 30 s. */
const IDLE_MS = 10 * 60_000;

/** A name that is subscribed to. */
interface Watched {
  dataId: string;
  publications: ReadonlyMap<string, Publication>;
  /** What is published under it has been told over the present connection. */
  isKnown: boolean;
  known(): void;
  whenKnown: Promise<void>;
  emptySinceMs: number | undefined;
}

export function dataInfoIdOf(dataId: string): DataInfoId {
  return toDataInfoId({ dataId, group: DEFAULT_GROUP, instanceId: DEFAULT_INSTANCE_ID });
}

/**
 * Everything that is published, for those who ask for all applications: fed by pushes, so that no answer is older than they are.
 * Nothing is held before somebody asks, nor when nobody does any more.
 *
 * What was shown once is not left out because a server cannot be asked: only a whole list takes something away, or a removal that
 * is told.
 */
export class AppsWatch implements ConnectionSink {
  private connection: number | undefined;
  private catalogue: Catalogue | undefined;
  private readonly watched = new Map<DataInfoId, Watched>();
  /** Everything has been known once. */
  private isWhole = false;
  private askedAtMs = 0;
  private cancelRest: (() => void) | undefined;

  constructor(
    private readonly host: SessionHost,
    private readonly names: ClusterNames,
    private readonly env: Pick<Env, 'nowMs' | 'at'>,
  ) {}

  /** @throws RegistryError where not everything is known yet */
  async current(): Promise<Catalogue> {
    this.askedAtMs = this.env.nowMs();
    this.awaitRest();
    const read = await this.readNames();
    const catalogue = (this.catalogue ??= new Catalogue(this.env.nowMs()));
    await this.subscribe(read.dataIds.filter((dataId) => !this.watched.has(dataInfoIdOf(dataId))));
    this.leaveEmpty();
    const unknown = [...this.watched.values()].filter(({ isKnown }) => !isKnown);
    if (unknown.length > 0) await this.known(unknown);
    const areKnown = unknown.every(({ isKnown }) => isKnown);
    if (!this.isWhole && !(read.areAll && areKnown)) throw new RegistryError('PENDING');
    this.isWhole = true;
    return catalogue;
  }

  /** By the clock that changes are told by. */
  get nowMs(): number {
    return this.env.nowMs();
  }

  /** As far as it is known without asking anybody. */
  peek(dataId: string, instanceId: string): Instance | undefined {
    return this.connection === undefined ? undefined : this.catalogue?.instance(dataId, instanceId);
  }

  push(dataInfoId: string, frame: PushFrame | ConfigFrame): void {
    const watched = this.watched.get(dataInfoId);
    if (!watched || !this.catalogue || (frame.type !== 'snapshot' && frame.type !== 'partial')) return;
    // A partial list says of nothing that it is gone, but for what it says was removed.
    const publications = new Map(frame.type === 'partial' ? watched.publications : []);
    if (frame.type === 'partial') for (const registerId of frame.removed) publications.delete(registerId);
    for (const publication of frame.publications) {
      const before = watched.publications.get(publication.registerId);
      publications.set(publication.registerId, before && areSame(before, publication) ? before : publication);
    }
    watched.publications = publications;
    const nowMs = this.env.nowMs();
    this.catalogue.take(nowMs, watched.dataId, publications, (each) => presentPublication(each, decodeBody));
    watched.emptySinceMs = publications.size > 0 ? undefined : (watched.emptySinceMs ?? nowMs);
    watched.isKnown = true;
    watched.known();
  }

  notice(): void {}

  /** This server goes on as another incarnation, or sends its clients away. What was known stays until it is told anew. */
  close(): void {
    const { connection } = this;
    this.connection = undefined;
    if (connection !== undefined) this.host.disconnect(connection);
    for (const watched of this.watched.values()) Object.assign(watched, unknownYet());
  }

  /** Where some names cannot be read, those that are known do. */
  private async readNames(): Promise<NamesRead> {
    try {
      return await this.names.read();
    } catch (error) {
      if (!this.isWhole || (error instanceof RegistryError && error.code === 'OVERLOADED')) throw error;
      return { dataIds: [], areAll: false };
    }
  }

  private async subscribe(newcomers: readonly string[]): Promise<void> {
    for (const dataId of newcomers)
      this.watched.set(dataInfoIdOf(dataId), {
        ...{ dataId, publications: new Map<string, Publication>(), emptySinceMs: undefined },
        ...unknownYet(),
      });
    const isNew = this.connection === undefined;
    const connection = (this.connection ??= this.host.connect(ADDRESS, this));
    const wanted = isNew ? [...this.watched.keys()] : newcomers.map(dataInfoIdOf);
    const view = { scope: 'dataCenter' as const, zone: DEFAULT_ZONE };
    try {
      await Promise.all(
        wanted.map((dataInfoId) =>
          this.host.request(connection, { kind: 'subscribe', subscriptionId: dataInfoId, dataInfoId, ...view }),
        ),
      );
    } catch (error) {
      if (this.connection === connection) this.close();
      throw error;
    }
  }

  /** What nobody publishes under any more is subscribed to for as long as its end is told to those who ask for changes. */
  private leaveEmpty(): void {
    const nowMs = this.env.nowMs();
    for (const [dataInfoId, { dataId, emptySinceMs }] of this.watched) {
      if (emptySinceMs === undefined || nowMs - emptySinceMs < CATALOGUE_LIMITS.deltaMs) continue;
      this.watched.delete(dataInfoId);
      this.catalogue?.forget(nowMs, dataId);
      if (this.connection === undefined) continue;
      const request = { kind: 'unsubscribe' as const, subscriptionId: dataInfoId };
      // It fails where the connection is gone, and the subscription with it.
      void this.host.request(this.connection, request).catch(() => undefined);
    }
  }

  private known(unknown: readonly Watched[]): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.env.at(this.env.nowMs() + KNOWN_WITHIN_MS, resolve);
      void Promise.all(unknown.map(({ whenKnown }) => whenKnown)).then(() => {
        cancel();
        resolve();
      });
    });
  }

  private awaitRest(): void {
    this.cancelRest ??= this.env.at(this.askedAtMs + IDLE_MS, () => {
      this.cancelRest = undefined;
      if (this.env.nowMs() - this.askedAtMs < IDLE_MS) this.awaitRest();
      else this.rest();
    });
  }

  /** Holds nothing any more. */
  rest(): void {
    this.cancelRest?.();
    this.cancelRest = undefined;
    this.watched.clear();
    this.close();
    this.catalogue = undefined;
    this.isWhole = false;
  }
}

function unknownYet(): Pick<Watched, 'isKnown' | 'known' | 'whenKnown'> {
  let known = (): void => {};
  const whenKnown = new Promise<void>((resolve) => (known = resolve));
  return { isKnown: false, known: () => known(), whenKnown };
}

/** Another object may say the same, as when it has come anew. */
function areSame(a: Publication, b: Publication): boolean {
  if (a === b) return true;
  return a.zone === b.zone && compareStamps(a.stamp, b.stamp) === 0 && Buffer.compare(a.body, b.body) === 0;
}
