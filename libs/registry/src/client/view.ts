import { type PublisherView, type Push, compareVersions, parseVersion } from '#model';
import { type HashSum, addHash, formatHash, isSameHash, parseHash } from '../hash-sum.js';
import type { KeptView, ListChanges } from './contract.js';
import { changesBetween, isNone, noChanges, sameValue } from './list-changes.js';

/** What one subscriber holds. Only a delta changes list and maps in place, since it touches few of many. */
export interface HeldView {
  /** The world that `version` belongs to; both undefined before the first answer. */
  clusterId?: string;
  version?: string;
  /** Of the list, where it is known to be exactly that of the version. */
  hash?: string;
  /** True once a complete answer has come. From then on an empty list means that nothing is published. */
  current: boolean;
  publishers: ReadonlyMap<string, PublisherView>;
  /** The publishers, in the order of the map. */
  list: readonly PublisherView[];
  /** Of each publisher; undefined when they were not told. Then no delta can be applied. */
  hashes?: ReadonlyMap<string, HashSum>;
}

/** Each subscriber begins with one of its own, since a delta changes what is held in place. */
export function emptyView(): HeldView {
  return { current: false, publishers: new Map(), list: [] };
}

/** So many entries of a list are looked for in it, one after the other; with more, the list is made anew. */
const MAX_REPLACED = 16;

/**
 * What a push comes to. `changes` is there when list or state differ from before; in the latter case it may be empty.
 * `refused`: it is a change from something else than what is held, or does not lead to what it should; everything stays as
 * it was.
 */
export interface Applied {
  view: HeldView;
  changes?: ListChanges;
  refused?: true;
}

type Snapshot = Push & { type: 'snapshot' };
type PartialPush = Push & { type: 'partial' };
type Delta = Push & { type: 'delta' };

/** Only a snapshot removes by absence, and within one clusterId nothing older than what is held is taken (invariant 5). */
export function applyPush(held: HeldView, push: Push): Applied {
  if (push.type === 'pending' || isOlder(held, push)) return { view: held };
  switch (push.type) {
    case 'unchanged':
      if (held.clusterId !== push.clusterId) return { view: held };
      return {
        view: { ...held, version: push.version, current: true },
        ...(held.current ? {} : { changes: noChanges() }),
      };
    case 'snapshot':
      return takeSnapshot(held, push);
    case 'partial':
      return startsElsewhere(held, push) ? { view: held, refused: true } : takePartial(held, push);
    case 'delta':
      // One that has been applied comes again where its acknowledgement took too long.
      if (held.clusterId === push.clusterId && held.version === push.version && push.from !== push.version)
        return { view: held };
      return takeDelta(held, push);
  }
}

/** What was kept on disk: a list that no server of this life of the client has told. */
export function viewOf({ clusterId, version, publishers, hashes, hash }: KeptView): HeldView {
  const kept = wholeOf(clusterId, version, publishers, hashes, hash);
  return { ...kept, current: false, list: [...kept.publishers.values()] };
}

function takeSnapshot(held: HeldView, { clusterId, version, publishers, hashes, hash }: Snapshot): Applied {
  const told = wholeOf(clusterId, version, publishers, hashes, hash);
  return appliedWhole(held, told, changesBetween(held.publishers, told.publishers));
}

type Whole = Omit<HeldView, 'list' | 'publishers'> & { publishers: Map<string, PublisherView> };

/** Where it has the same publishers, the list stays the one that is held. */
function appliedWhole(held: HeldView, told: Whole, changes: ListChanges | undefined): Applied {
  if (changes) return { view: { ...told, list: [...told.publishers.values()] }, changes };
  const view = { ...told, publishers: held.publishers, list: held.list };
  return held.current === told.current ? { view } : { view, changes: noChanges() };
}

/** The hash of a list is worth something without those of its publishers, but not beside others than it is the sum of. */
function wholeOf(
  clusterId: string,
  version: string,
  list: readonly PublisherView[],
  told: readonly string[] | undefined,
  hash: string | undefined,
): Whole {
  const publishers = new Map<string, PublisherView>();
  for (const publisher of list) publishers.set(publisher.registerId, publisher);
  const hashes = readHashes(list, told);
  if (hashes && hash !== undefined && isTotal(hash, hashes.values()))
    return { clusterId, version, current: true, publishers, hash, hashes };
  if (told === undefined && hash !== undefined) return { clusterId, version, current: true, publishers, hash };
  return { clusterId, version, current: true, publishers };
}

function takePartial(held: HeldView, push: PartialPush): Applied {
  const { clusterId, version, publishers: list, removed } = push;
  const publishers = new Map(held.publishers);
  const told = readHashes(list, push.hashes);
  const hashes = told && new Map(held.hashes);
  for (const registerId of removed) {
    publishers.delete(registerId);
    hashes?.delete(registerId);
  }
  for (const [registerId, hash] of told ?? []) hashes?.set(registerId, hash);
  for (const publisher of list) publishers.set(publisher.registerId, publisher);
  const view = {
    ...{ clusterId, version, current: held.current, publishers },
    ...(hashes?.size === publishers.size ? { hashes } : {}),
  };
  return appliedWhole(held, view, changesBetween(held.publishers, publishers));
}

function takeDelta(held: HeldView, push: Delta): Applied {
  const refused: Applied = { view: held, refused: true };
  const { clusterId, version, publishers: list, removed, hash } = push;
  const publishers = held.publishers as Map<string, PublisherView>;
  const hashes = held.hashes as Map<string, HashSum> | undefined;
  const upserts = readHashes(list, push.hashes);
  if (startsElsewhere(held, push) || !hashes || !upserts) return refused;
  // What it leads to is known before anything is changed.
  const sum = (held.hash !== undefined && parseHash(held.hash)) || totalOf(hashes.values());
  for (const registerId of new Set([...removed, ...upserts.keys()])) {
    const was = hashes.get(registerId);
    if (was) addHash(sum, was, -1);
  }
  for (const each of upserts.values()) addHash(sum, each, 1);
  if (formatHash(sum) !== hash) return refused;

  const changes = noChanges();
  const replaced: PublisherView[] = [];
  for (const registerId of removed) {
    const was = publishers.get(registerId);
    hashes.delete(registerId);
    if (publishers.delete(registerId)) changes.removed.push(was!);
  }
  for (const publisher of list) {
    const { registerId } = publisher;
    const was = publishers.get(registerId);
    hashes.set(registerId, upserts.get(registerId)!);
    if (was === undefined) changes.added.push(publisher);
    else if (sameValue(was, publisher)) continue;
    else {
      changes.updated.push(publisher);
      replaced.push(was);
    }
    publishers.set(registerId, publisher);
  }
  const view = {
    clusterId,
    version,
    hash,
    current: true,
    publishers,
    hashes,
    list: listAfter(held, changes, replaced),
  };
  return held.current && isNone(changes) ? { view } : { view, changes };
}

/** @param replaced what the updated publishers stand in the place of, in their order */
function listAfter({ list, publishers }: HeldView, changes: ListChanges, replaced: PublisherView[]): PublisherView[] {
  const { added, updated, removed } = changes;
  if (added.length > 0 || removed.length > 0 || updated.length > MAX_REPLACED) return [...publishers.values()];
  const inPlace = list as PublisherView[];
  for (const [i, was] of replaced.entries()) inPlace[inPlace.indexOf(was)] = updated[i]!;
  return inPlace;
}

function startsElsewhere(held: HeldView, { clusterId, from }: PartialPush | Delta): boolean {
  return from !== undefined && (held.clusterId !== clusterId || held.version !== from);
}

/** The hashes told with publishers, by name; undefined when they are not one for each. */
function readHashes(
  list: readonly PublisherView[],
  hashes: readonly string[] | undefined,
): Map<string, HashSum> | undefined {
  if (hashes?.length !== list.length) return undefined;
  const read = new Map<string, HashSum>();
  for (let i = 0; i < list.length; i++) {
    const hash = parseHash(hashes[i]);
    if (!hash) return undefined;
    read.set(list[i]!.registerId, hash);
  }
  return read;
}

function totalOf(hashes: Iterable<HashSum>): HashSum {
  const sum = { high: 0, low: 0 };
  for (const hash of hashes) addHash(sum, hash, 1);
  return sum;
}

function isTotal(hash: string, hashes: Iterable<HashSum>): boolean {
  const told = parseHash(hash);
  return told !== undefined && isSameHash(told, totalOf(hashes));
}

function isOlder(held: HeldView, push: Exclude<Push, { type: 'pending' }>): boolean {
  if (held.clusterId !== push.clusterId || held.version === undefined || held.version === push.version) return false;
  const heldVersion = parseVersion(held.version);
  const version = parseVersion(push.version);
  return heldVersion !== undefined && version !== undefined && compareVersions(version, heldVersion) < 0;
}
