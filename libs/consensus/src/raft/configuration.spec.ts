import * as fc from 'fast-check';
import { change, eraOf, isJoint, isVoter, leaveJoint, membersOf } from './configuration.js';
import type { Configuration, MembershipChange } from './contract.js';
import { majority } from './quorum.js';

const group: Configuration = { voters: ['a', 'b', 'c'], learners: ['l'] };

function after(type: MembershipChange['type'], node: string, configuration = group): Configuration | string {
  const outcome = change(configuration, { type, node });
  return 'failure' in outcome ? outcome.failure.code : outcome.configuration;
}

describe('a membership change', () => {
  it('adds a learner in one step', () => {
    expect(after('addLearner', 'd')).toEqual({ voters: ['a', 'b', 'c'], learners: ['l', 'd'] });
  });

  it('promotes a learner through a joint configuration', () => {
    const joint = after('promote', 'l') as Configuration;
    expect(joint).toEqual({ voters: ['a', 'b', 'c', 'l'], outgoing: ['a', 'b', 'c'], learners: [] });
    expect(leaveJoint(joint)).toEqual({ voters: ['a', 'b', 'c', 'l'], learners: [] });
  });

  it('removes a voter through a joint configuration, in which it still votes', () => {
    const joint = after('remove', 'a') as Configuration;
    expect(joint).toEqual({ voters: ['b', 'c'], outgoing: ['a', 'b', 'c'], learners: ['l'] });
    expect([isVoter(joint, 'a'), isVoter(leaveJoint(joint), 'a')]).toEqual([true, false]);
    expect(membersOf(joint)).toEqual(new Set(['a', 'b', 'c', 'l']));
  });

  it('removes a learner in one step', () => {
    expect(after('remove', 'l')).toEqual({ voters: ['a', 'b', 'c'], learners: [] });
  });

  it('stays in the era of the group', () => {
    const later = { ...group, era: 7 };
    const joint = after('promote', 'l', later) as Configuration;
    expect([joint.era, leaveJoint(joint).era]).toEqual([7, 7]);
    expect(leaveJoint(joint)).toEqual({ voters: ['a', 'b', 'c', 'l'], learners: [], era: 7 });
    for (const [type, node] of [
      ['addLearner', 'd'],
      ['remove', 'l'],
      ['remove', 'a'],
    ] as const)
      expect((after(type, node, later) as Configuration).era).toBe(7);
    expect([eraOf(later), eraOf(group), eraOf({ voters: [], learners: [] })]).toEqual([7, 0, undefined]);
  });

  it('is refused where it makes no sense', () => {
    expect(after('addLearner', 'a')).toBe('BAD_REQUEST');
    expect(after('addLearner', 'l')).toBe('BAD_REQUEST');
    expect(after('addLearner', '')).toBe('BAD_REQUEST');
    expect(after('promote', 'a')).toBe('BAD_REQUEST');
    expect(after('promote', 'x')).toBe('BAD_REQUEST');
    expect(after('remove', 'x')).toBe('BAD_REQUEST');
    expect(after('remove', 'a', { voters: ['a'], learners: ['l'] })).toBe('BAD_REQUEST');
    expect(after('destroy' as 'remove', 'a')).toBe('BAD_REQUEST');
  });

  it('waits for the one before it', () => {
    expect(after('addLearner', 'd', after('remove', 'a') as Configuration)).toBe('PENDING');
  });

  it('never makes two majorities that do not meet, nor a voter that learns', () => {
    const node = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const type = fc.constantFrom('addLearner' as const, 'promote' as const, 'remove' as const);
    fc.assert(
      fc.property(fc.array(fc.record({ type, node })), (changes) => {
        let configuration: Configuration = { voters: ['a'], learners: [] };
        for (const wanted of changes) {
          const outcome = change(configuration, wanted);
          if ('failure' in outcome) continue;
          const next = outcome.configuration;
          expect(isJoint(next) ? next.outgoing : next.voters).toEqual(configuration.voters);
          configuration = isJoint(next) ? leaveJoint(next) : next;
          expect(majority(configuration.voters.length)).toBeGreaterThan(0);
          const members = [...configuration.voters, ...configuration.learners];
          expect(new Set(members).size).toBe(members.length);
        }
      }),
    );
  });
});
