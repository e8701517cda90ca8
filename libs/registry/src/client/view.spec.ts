import * as fc from 'fast-check';
import { type Push, compareVersions, parseVersion } from '#model';
import { EMPTY_VIEW, type HeldView, applyPush } from './view.js';

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

type Rule = (before: HeldView, push: Push, after: HeldView, visible: boolean) => boolean;

/** Pushes after which some step breaks the rule, or null when none were found. */
function counterexample(rule: Rule): [Push[]] | null {
  const property = fc.property(pushes, (list) => {
    let held = EMPTY_VIEW;
    return list.every((push) => {
      const before = held;
      const { view, visible } = applyPush(before, push);
      held = view;
      return rule(before, push, view, visible);
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

  it('calls a change visible exactly when list or state differ', () => {
    const rule: Rule = (before, _push, after, visible) =>
      visible === (before.current !== after.current || listOf(before) !== listOf(after));
    expect(counterexample(rule)).toBeNull();
  });

  it('changes nothing in place', () => {
    let copies: [HeldView, string, boolean][] = [];
    const rule: Rule = (before, _push, after) => {
      if (before === EMPTY_VIEW) copies = [];
      copies.push([after, listOf(after), after.current]);
      return copies.every(([view, list, current]) => listOf(view) === list && view.current === current);
    };
    expect(counterexample(rule)).toBeNull();
  });
});
