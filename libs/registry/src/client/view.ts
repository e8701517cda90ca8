import { type PublisherView, type Push, compareVersions, parseVersion } from '#model';

/** What one subscriber holds. Replaced as a whole, never changed in place. */
export interface HeldView {
  /** The world that `version` belongs to; both undefined before the first answer. */
  clusterId?: string;
  version?: string;
  /** True once a complete answer has come. From then on an empty list means that nothing is published. */
  current: boolean;
  publishers: ReadonlyMap<string, PublisherView>;
}

export const EMPTY_VIEW: HeldView = { current: false, publishers: new Map() };

/**
 * The state after a push. Only a snapshot removes by absence, and within one clusterId nothing older than what is held
 * is taken (invariant 5). `visible` says whether list or state differ from before.
 */
export function applyPush(held: HeldView, push: Push): { view: HeldView; visible: boolean } {
  if (push.type === 'pending' || isOlder(held, push)) return { view: held, visible: false };
  if (push.type === 'unchanged') {
    if (held.clusterId !== push.clusterId) return { view: held, visible: false };
    return { view: { ...held, version: push.version, current: true }, visible: !held.current };
  }
  const { clusterId, version } = push;
  if (push.type === 'snapshot') {
    const publishers = new Map(push.publishers.map((publisher) => [publisher.registerId, publisher]));
    const visible = !held.current || !sameList(held.publishers, publishers);
    return {
      view: { clusterId, version, current: true, publishers: visible ? publishers : held.publishers },
      visible,
    };
  }
  const publishers = new Map(held.publishers);
  for (const registerId of push.removed) publishers.delete(registerId);
  for (const publisher of push.publishers) publishers.set(publisher.registerId, publisher);
  const visible = !sameList(held.publishers, publishers);
  return {
    view: { clusterId, version, current: held.current, publishers: visible ? publishers : held.publishers },
    visible,
  };
}

function isOlder(held: HeldView, push: Exclude<Push, { type: 'pending' }>): boolean {
  if (held.clusterId !== push.clusterId || held.version === undefined) return false;
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
  return keys.every(
    (key) =>
      Object.hasOwn(b, key) &&
      sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], depth + 1),
  );
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
