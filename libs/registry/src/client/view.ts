import { type PublisherView, type Push, compareVersions, parseVersion } from '#model';
import { type HashSum, addHash, formatHash, isSameHash, parseHash } from '../hash-sum.js';
import type { KeptView } from './contract.js';

/** What one subscriber holds. Only a delta changes the maps in place, since it touches few of many. */
export interface HeldView {
  /** The world that `version` belongs to; both undefined before the first answer. */
  clusterId?: string;
  version?: string;
  /** Of the list, where it is known to be exactly that of the version. */
  hash?: string;
  /** True once a complete answer has come. From then on an empty list means that nothing is published. */
  current: boolean;
  publishers: ReadonlyMap<string, PublisherView>;
  /** Of each publisher; undefined when they were not told. Then no delta can be applied. */
  hashes?: ReadonlyMap<string, HashSum>;
}

export const EMPTY_VIEW: HeldView = { current: false, publishers: new Map() };

/**
 * What a push comes to. `visible` says whether list or state differ from before. `refused`: it is a change from something
 * else than what is held, or does not lead to what it should; everything stays as it was.
 */
export interface Applied {
  view: HeldView;
  visible: boolean;
  refused?: true;
}

type Snapshot = Push & { type: 'snapshot' };
type PartialPush = Push & { type: 'partial' };
type Delta = Push & { type: 'delta' };

/** Only a snapshot removes by absence, and within one clusterId nothing older than what is held is taken (invariant 5). */
export function applyPush(held: HeldView, push: Push): Applied {
  if (push.type === 'pending' || isOlder(held, push)) return { view: held, visible: false };
  switch (push.type) {
    case 'unchanged':
      if (held.clusterId !== push.clusterId) return { view: held, visible: false };
      return { view: { ...held, version: push.version, current: true }, visible: !held.current };
    case 'snapshot':
      return takeSnapshot(held, push);
    case 'partial':
      return startsElsewhere(held, push) ? { view: held, visible: false, refused: true } : takePartial(held, push);
    case 'delta':
      // One that has been applied comes again where its acknowledgement took too long.
      if (held.clusterId === push.clusterId && held.version === push.version && push.from !== push.version)
        return { view: held, visible: false };
      return takeDelta(held, push);
  }
}

/** What was kept on disk: a list that no server of this life of the client has told. */
export function viewOf({ clusterId, version, publishers, hashes, hash }: KeptView): HeldView {
  return { ...wholeOf(clusterId, version, publishers, hashes, hash), current: false };
}

function takeSnapshot(held: HeldView, { clusterId, version, publishers, hashes, hash }: Snapshot): Applied {
  const view = wholeOf(clusterId, version, publishers, hashes, hash);
  const visible = !held.current || !sameList(held.publishers, view.publishers);
  if (!visible) view.publishers = held.publishers;
  return { view, visible };
}

/** The hash of a list is worth something without those of its publishers, but not beside others than it is the sum of. */
function wholeOf(
  clusterId: string,
  version: string,
  list: readonly PublisherView[],
  told: readonly string[] | undefined,
  hash: string | undefined,
): HeldView {
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
  const visible = !sameList(held.publishers, publishers);
  const view: HeldView = {
    ...{ clusterId, version, current: held.current, publishers: visible ? publishers : held.publishers },
    ...(hashes?.size === publishers.size ? { hashes } : {}),
  };
  return { view, visible };
}

function takeDelta(held: HeldView, push: Delta): Applied {
  const refused: Applied = { view: held, visible: false, refused: true };
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

  let visible = !held.current;
  for (const registerId of removed) {
    visible = publishers.delete(registerId) || visible;
    hashes.delete(registerId);
  }
  for (const publisher of list) {
    const { registerId } = publisher;
    visible ||= !sameValue(publishers.get(registerId), publisher);
    publishers.set(registerId, publisher);
    hashes.set(registerId, upserts.get(registerId)!);
  }
  return { view: { clusterId, version, hash, current: true, publishers, hashes }, visible };
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

function sameList(a: ReadonlyMap<string, PublisherView>, b: ReadonlyMap<string, PublisherView>): boolean {
  if (a.size !== b.size) return false;
  for (const [registerId, publisher] of a) if (!sameValue(publisher, b.get(registerId))) return false;
  return true;
}

/** Values from the network may be nested at will; beyond this depth they count as different. */
const MAX_DEPTH = 16;

/** Structural equality of decoded values. What it cannot judge counts as different, which costs one more event. */
function sameValue(a: unknown, b: unknown, depth = 0): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b) || depth > MAX_DEPTH) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) {
    if (!Object.hasOwn(b, key)) return false;
    if (!sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
