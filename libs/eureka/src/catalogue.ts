import { appNameOf } from './app-name.js';
import { hashCodeOf } from './hash-code.js';
import type { ActionType, Application, Applications, Instance } from './instance.js';
import { type Publisher, toInstances } from './publication.js';

export interface CatalogueLimits {
  /** For how long a change is told to those who ask for changes. Eureka's clients ask every 30 s. */
  deltaMs: number;
  /** So many of them at most; with more, everything is told for as long. */
  changesMost: number;
}

export const CATALOGUE_LIMITS: CatalogueLimits = { deltaMs: 180_000, changesMost: 20_000 };

/** A name: its publications, and what Eureka's clients are shown of them. */
interface Entry {
  app: string;
  /** By registerId. What has not changed keeps its instances, and so what was written of them. */
  publications: Map<string, { source: object; instances: readonly Instance[] }>;
}

/** The last that has become of an instance. */
interface Change {
  atMs: number;
  instance: Instance;
}

/**
 * All applications as a session server knows them, and what of them has changed lately. It is told whole lists, in order, and finds
 * out by itself what is new in them.
 *
 * Who asks for changes asks for those of the last minutes, and says nothing of what it holds. As long as not all of those are known,
 * it is told everything as added: what it holds then includes everything, so that the hash code, which counts, is right just
 * where it holds nothing more.
 */
export class Catalogue {
  /** Rises with whatever changes the answer to a question for everything. */
  state = 0;
  private readonly entries = new Map<string, Entry>();
  /** From the one that is longest ago to the latest, by application and instance. */
  private readonly changes = new Map<string, Change>();
  /** Every change since then is known. */
  private knownSinceMs: number;

  constructor(
    nowMs: number,
    private readonly limits: CatalogueLimits = CATALOGUE_LIMITS,
  ) {
    this.knownSinceMs = nowMs;
  }

  /** Names that are held, empty ones included. */
  get names(): IterableIterator<string> {
    return this.entries.keys();
  }

  /**
   * What is published under a dataId.
   * @param publications by registerId; an object that was there before has not changed
   * @param read what of one is read, done once for each
   */
  take<P extends object>(
    nowMs: number,
    dataId: string,
    publications: ReadonlyMap<string, P>,
    read: (publication: P) => Publisher,
  ): void {
    let entry = this.entries.get(dataId);
    if (!entry) this.entries.set(dataId, (entry = { app: appNameOf(dataId), publications: new Map() }));
    const held = entry.publications;
    for (const [registerId, { instances }] of held)
      if (!publications.has(registerId)) {
        held.delete(registerId);
        for (const instance of instances) this.note(nowMs, instance, 'DELETED');
      }
    for (const [registerId, source] of publications) {
      const before = held.get(registerId);
      if (before?.source === source) continue;
      const instances = toInstances(dataId, read(source));
      held.set(registerId, { source, instances });
      this.compare(nowMs, before?.instances ?? [], instances);
    }
  }

  /** Nobody publishes under the name any more, and it is not looked at. */
  forget(nowMs: number, dataId: string): void {
    this.take(nowMs, dataId, new Map(), () => ({ registerId: '', zone: '', registerTimestamp: 0, data: [] }));
    this.entries.delete(dataId);
  }

  isEmpty(dataId: string): boolean {
    return (this.entries.get(dataId)?.publications.size ?? 0) === 0;
  }

  all(): Applications {
    const applications = this.applications(() => true);
    return { versionsDelta: 1, hashCode: hashCodeOf(instancesIn(applications)), applications };
  }

  /** Those whose address, virtual or secure, has the name in it. */
  byVip(field: 'vipAddress' | 'secureVipAddress', name: string): Applications {
    const applications = this.applications(({ texts }) => texts[field]?.split(',').includes(name) ?? false);
    return { versionsDelta: 1, hashCode: hashCodeOf(instancesIn(applications)), applications };
  }

  find(instanceId: string): Instance | undefined {
    for (const instance of this.instances()) if (instance.instanceId === instanceId) return instance;
    return undefined;
  }

  /** Of one application; undefined where it is not known. */
  instance(dataId: string, instanceId: string): Instance | undefined {
    for (const { instances } of this.entries.get(dataId)?.publications.values() ?? [])
      for (const instance of instances) if (instance.instanceId === instanceId) return instance;
    return undefined;
  }

  /** What has changed lately, each in its last state, with the hash code of everything. */
  delta(nowMs: number): Applications {
    this.expire(nowMs);
    const hashCode = hashCodeOf(this.instances());
    const isWhole = nowMs - this.knownSinceMs < this.limits.deltaMs;
    const changed = [...this.changes.values()].map(({ instance }) => instance);
    const told = isWhole
      ? [...changed.filter(({ actionType }) => actionType === 'DELETED'), ...this.instances()]
      : changed;
    return { versionsDelta: this.state, hashCode, applications: byApplication(told) };
  }

  /** Two answers to the question for changes are the same where this is. */
  deltaState(nowMs: number): string {
    this.expire(nowMs);
    const isWhole = nowMs - this.knownSinceMs < this.limits.deltaMs;
    return `${this.state} ${this.changes.size} ${isWhole}`;
  }

  private compare(nowMs: number, before: readonly Instance[], now: readonly Instance[]): void {
    const ids = new Set(now.map(({ instanceId }) => instanceId));
    const known = new Set(before.map(({ instanceId }) => instanceId));
    for (const instance of before) if (!ids.has(instance.instanceId)) this.note(nowMs, instance, 'DELETED');
    for (const instance of now) this.note(nowMs, instance, known.has(instance.instanceId) ? 'MODIFIED' : 'ADDED');
  }

  private note(nowMs: number, instance: Instance, actionType: ActionType): void {
    this.state++;
    const key = `${instance.app}\n${instance.instanceId}`;
    this.changes.delete(key);
    this.changes.set(key, { atMs: nowMs, instance: { ...instance, actionType } });
    if (this.changes.size <= this.limits.changesMost) return;
    this.changes.delete(this.changes.keys().next().value!);
    this.knownSinceMs = nowMs;
  }

  private expire(nowMs: number): void {
    for (const [key, { atMs }] of this.changes) {
      if (nowMs - atMs < this.limits.deltaMs) return;
      this.changes.delete(key);
    }
  }

  private *instances(): Generator<Instance> {
    for (const { publications } of this.entries.values())
      for (const { instances } of publications.values()) yield* instances;
  }

  private applications(isMeant: (instance: Instance) => boolean): Application[] {
    const applications: Application[] = [];
    for (const { app: name, publications } of this.entries.values()) {
      const instances = [...publications.values()].flatMap((each) => each.instances.filter(isMeant));
      if (instances.length > 0) applications.push({ name, instances });
    }
    return applications;
  }
}

function* instancesIn(applications: readonly Application[]): Generator<Instance> {
  for (const { instances } of applications) yield* instances;
}

function byApplication(instances: readonly Instance[]): Application[] {
  const byName = new Map<string, Instance[]>();
  for (const instance of instances) {
    const others = byName.get(instance.app);
    if (others) others.push(instance);
    else byName.set(instance.app, [instance]);
  }
  return [...byName].map(([name, some]) => ({ name, instances: some }));
}
