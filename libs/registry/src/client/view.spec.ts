import * as fc from 'fast-check';
import { type PublisherView, type Push, compareVersions, parseVersion } from '#model';
import { addHash, formatViewHash, hashSeen, parseViewHash } from '../view-hash.js';
import { type Applied, type HeldView, applyPush, emptyView } from './view.js';

const ids = fc.constantFrom('r1', 'r2', 'r3');
const publishers = fc.uniqueArray(
  fc.record({ registerId: ids, data: fc.array(fc.constantFrom('a', 'b'), { maxLength: 1 }) }),
  { selector: (publisher) => publisher.registerId },
);
const head = {
  dataInfoId: fc.constant('d'),
  clusterId: fc.constantFrom('c1', 'c1', 'c1', 'c2'),
  version: fc.tuple(fc.nat(3), fc.nat(5)).map(([epoch, sequence]) => `${epoch}.${sequence}`),
};
const pushes = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('snapshot'), ...head, publishers }),
    fc.record({ type: fc.constant('partial'), ...head, publishers, removed: fc.array(ids) }),
    fc.record({ type: fc.constant('unchanged'), ...head }),
    fc.record({ type: fc.constant('pending'), dataInfoId: fc.constant('d') }),
  ),
) as unknown as fc.Arbitrary<Push[]>;

type Rule = (before: HeldView, push: Push, after: HeldView, changes: Applied['changes']) => boolean;

/** Pushes after which some step breaks the rule, or null when none were found. */
function counterexample(rule: Rule): [Push[]] | null {
  const property = fc.property(pushes, (list) => {
    let held = emptyView();
    return list.every((push) => {
      const before = held;
      const { view, changes } = applyPush(before, push);
      held = view;
      return rule(before, push, view, changes);
    });
  });
  return fc.check(property).counterexample;
}

const listOf = (view: HeldView): string =>
  JSON.stringify([...view.publishers.values()].toSorted((a, b) => (a.registerId < b.registerId ? -1 : 1)));

describe('applying pushes, whatever comes in whatever order', () => {
  it('never takes the version back within a cluster', () => {
    const rule: Rule = (before, _push, after) =>
      before.version === undefined ||
      before.clusterId !== after.clusterId ||
      compareVersions(parseVersion(after.version!)!, parseVersion(before.version)!) >= 0;
    expect(counterexample(rule)).toBeNull();
  });

  it('takes nothing away except by a snapshot or by name', () => {
    const rule: Rule = (before, push, after) =>
      push.type === 'snapshot' ||
      [...before.publishers.keys()].every(
        (registerId) =>
          after.publishers.has(registerId) || (push.type === 'partial' && push.removed.includes(registerId)),
      );
    expect(counterexample(rule)).toBeNull();
  });

  it('makes a list current only by a complete answer, and nothing takes that back', () => {
    const rule: Rule = (before, push, after) =>
      before.current
        ? after.current
        : !after.current || push.type === 'snapshot' || (push.type === 'unchanged' && before.version !== undefined);
    expect(counterexample(rule)).toBeNull();
  });

  it('tells of a change exactly when list or state differ', () => {
    const rule: Rule = (before, _push, after, changes) =>
      (changes !== undefined) === (before.current !== after.current || listOf(before) !== listOf(after));
    expect(counterexample(rule)).toBeNull();
  });

  it('tells what has led from one list to the other, and lists those of the map', () => {
    const rule: Rule = ({ list }, _push, after, changes) => follows(list, after, changes);
    expect(counterexample(rule)).toBeNull();
  });

  it('keeps the objects of those who have not changed', () => {
    const rule: Rule = (before, _push, after) =>
      after.list.every((publisher) => {
        const was = before.publishers.get(publisher.registerId);
        return was === publisher || JSON.stringify(was) !== JSON.stringify(publisher);
      });
    expect(counterexample(rule)).toBeNull();
  });

  it('changes nothing in place', () => {
    let copies: [HeldView, string, boolean][] = [];
    const rule: Rule = (before, _push, after) => {
      if (before.version === undefined && before.list.length === 0) copies = [];
      copies.push([after, listOf(after), after.current]);
      return copies.every(([view, list, current]) => listOf(view) === list && view.current === current);
    };
    expect(counterexample(rule)).toBeNull();
  });
});

/** Whether those who follow the changes come to the list, and the list is what the map has, in its order. */
function follows(before: readonly PublisherView[], after: HeldView, changes: Applied['changes']): boolean {
  const followed = new Map(before.map((publisher) => [publisher.registerId, publisher]));
  const { added, updated, removed } = changes ?? { added: [], updated: [], removed: [] };
  for (const publisher of removed) if (followed.get(publisher.registerId) !== publisher) return false;
  for (const { registerId } of removed) followed.delete(registerId);
  for (const { registerId } of added) if (followed.has(registerId)) return false;
  for (const { registerId } of updated) if (!followed.has(registerId)) return false;
  for (const publisher of [...added, ...updated]) followed.set(publisher.registerId, publisher);
  const values = [...after.publishers.values()];
  return (
    followed.size === values.length &&
    values.every((publisher, i) => after.list[i] === publisher && followed.get(publisher.registerId) === publisher)
  );
}

/** What a server knows of a list: each publisher's state as one number, in the body of a publication. */
type Content = Map<string, number>;

const hashOf = (registerId: string, state: number): string =>
  formatViewHash(
    hashSeen({
      ...{ registerId, dataInfoId: 'd', zone: '', appName: '', registerTimestamp: 1, stamp: [1, 1, 1] },
      ...{ owner: { kind: 'persistent' }, body: Uint8Array.of(state) },
    }),
  );
const publisherOf = (registerId: string, state: number) => ({ registerId, data: [`${state}`] }) as PublisherView;

function sumOf(content: Content): string {
  const sum = { high: 0, low: 0 };
  for (const [registerId, state] of content) addHash(sum, parseViewHash(hashOf(registerId, state))!, 1);
  return formatViewHash(sum);
}

const listed = (content: Content) => ({
  publishers: [...content].map(([registerId, state]) => publisherOf(registerId, state)),
  hashes: [...content].map(([registerId, state]) => hashOf(registerId, state)),
});

function snapshotOf(content: Content, version: number): Push {
  const head = { dataInfoId: 'd', clusterId: 'c1', version: `1.${version}` };
  return { type: 'snapshot', ...head, ...listed(content), hash: sumOf(content) };
}

function deltaOf(before: Content, after: Content, from: number, to: number): Push & { type: 'delta' } {
  const changed = new Map([...after].filter(([registerId, state]) => before.get(registerId) !== state));
  const removed = [...before.keys()].filter((registerId) => !after.has(registerId));
  const head = { dataInfoId: 'd', clusterId: 'c1', from: `1.${from}`, version: `1.${to}` };
  return { type: 'delta', ...head, ...listed(changed), removed, hash: sumOf(after) };
}

const content: fc.Arbitrary<Content> = fc
  .dictionary(ids, fc.integer({ min: 1, max: 9 }))
  .map((record) => new Map(Object.entries(record)));
const statesOf = (view: HeldView): Content =>
  new Map([...view.publishers.values()].map(({ registerId, data }) => [registerId, Number(data[0])]));
const sorted = (states: Content) => [...states].toSorted();

describe('applying deltas', () => {
  it('leads from each content to the next, as the whole would, and says whether anything differs', () => {
    fc.assert(
      fc.property(fc.array(content, { minLength: 1 }), (contents) => {
        let { view } = applyPush(emptyView(), snapshotOf(contents[0]!, 0));
        for (const [i, next] of contents.entries()) {
          if (i === 0) continue;
          const before = contents[i - 1]!;
          const list = [...view.list];
          const applied = applyPush(view, deltaOf(before, next, i - 1, i));
          view = applied.view;
          expect(follows(list, view, applied.changes)).toBe(true);
          expect(applied.refused).toBeUndefined();
          expect(sorted(statesOf(view))).toEqual(sorted(next));
          expect(view).toMatchObject({ version: `1.${i}`, hash: sumOf(next), current: true });
          expect(applied.changes !== undefined).toBe(JSON.stringify(sorted(before)) !== JSON.stringify(sorted(next)));
        }
      }),
    );
  });

  it('puts each of many that have changed in the place of its former state', () => {
    const states = (count: number, state: number): Content =>
      new Map(Array.from({ length: count }, (_, i) => [`r${i}`, state]));
    const { view } = applyPush(emptyView(), snapshotOf(states(40, 1), 0));
    for (const [i, count] of [1, 16, 17, 40].entries()) {
      const before = statesOf(view);
      const list = [...view.list];
      const applied = applyPush(view, deltaOf(before, new Map([...before, ...states(count, i + 2)]), i, i + 1));
      expect(applied.changes!.updated).toHaveLength(count);
      expect(follows(list, applied.view, applied.changes)).toBe(true);
      Object.assign(view, applied.view);
    }
  });

  it('refuses what starts from something else, or does not lead where it should, and keeps what it has', () => {
    fc.assert(
      fc.property(content, content, content, fc.boolean(), (held, other, next, isOtherVersion) => {
        const { view } = applyPush(emptyView(), snapshotOf(held, 5));
        const delta = deltaOf(other, next, isOtherVersion ? 4 : 5, 6);
        const before = JSON.stringify([...view.publishers]);
        const applied = applyPush(view, delta);
        const isRight = !isOtherVersion && leadsTo(held, delta, next);
        expect(applied.refused).toBe(isRight ? undefined : true);
        const after = isRight ? sorted(next) : sorted(held);
        expect(sorted(statesOf(applied.view))).toEqual(after);
        expect(applied.view === view && JSON.stringify([...view.publishers]) === before).toBe(!isRight);
      }),
    );
  });

  it('takes no delta before it was told the hashes, and one that comes again only once', () => {
    const [a, b] = [new Map([['r1', 1]]), new Map([['r1', 2]])];
    const { hashes: _hashes, hash: _hash, ...plain } = snapshotOf(a, 1) as Push & { type: 'snapshot' };
    const delta = deltaOf(a, b, 1, 2);
    expect(applyPush(applyPush(emptyView(), plain).view, delta).refused).toBe(true);
    const wrong = { ...(snapshotOf(a, 1) as Push & { type: 'snapshot' }), hash: sumOf(b) };
    expect(applyPush(applyPush(emptyView(), wrong).view, delta).refused).toBe(true);
    const once = applyPush(applyPush(emptyView(), snapshotOf(a, 1)).view, delta);
    expect(applyPush(once.view, delta)).toEqual({ view: once.view });
  });

  it('goes on from a partial list that came from the same server', () => {
    const first = new Map([
      ['r1', 1],
      ['r2', 1],
    ]);
    const { hash: _hash, ...change } = deltaOf(first, new Map([['r1', 2]]), 1, 2);
    const held = applyPush(emptyView(), snapshotOf(first, 1)).view;
    const { view } = applyPush(held, { ...change, type: 'partial' });
    expect(view.hash).toBeUndefined();
    expect(sorted(statesOf(view))).toEqual([['r1', 2]]);
    expect(applyPush(held, { ...change, type: 'partial', from: '1.0' }).refused).toBe(true);
    const last = new Map([['r3', 3]]);
    expect(statesOf(applyPush(view, deltaOf(new Map([['r1', 2]]), last, 2, 3)).view)).toEqual(last);
  });
});

/** Whether the delta, applied to what is held, gives what it was made for. */
function leadsTo(held: Content, { publishers: upserts, removed }: Push & { type: 'delta' }, next: Content): boolean {
  const result = new Map(held);
  for (const registerId of removed) result.delete(registerId);
  for (const { registerId, data } of upserts) result.set(registerId, Number(data[0]));
  return JSON.stringify(sorted(result)) === JSON.stringify(sorted(next));
}
