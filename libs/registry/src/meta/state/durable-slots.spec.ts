import type { Member, SlotAssignment } from '#model';
import type { MetaCommand, MetaState, SlotStep } from '../contract.js';
import { resumes } from '../resumes.js';
import { metaStateMachine } from '../state.js';

const join = (incarnation: string, diskId?: string, address = `${incarnation}:1`): MetaCommand => {
  const member: Member = { role: 'data', incarnation, address, httpAddress: '', zone: '', weight: 1 };
  return { type: 'join', member: { ...member, ...(diskId === undefined ? {} : { diskId }) } };
};
const remove = (incarnation: string): MetaCommand => ({ type: 'remove', incarnation, cause: 'expired' });
const step = (one: SlotStep): MetaCommand => ({ type: 'place', steps: [one] });
const at = (expectedLeaderEpoch: number): { slot: 0; expectedLeaderEpoch: number } => ({
  slot: 0,
  expectedLeaderEpoch,
});

function apply(state: MetaState, ...commands: MetaCommand[]): MetaState {
  return commands.reduce((before, command) => metaStateMachine.apply(before, command).state, state);
}

/** Two data servers, of which a leads slot 0 and b follows it, complete. */
function replicated(): MetaState {
  return apply(
    metaStateMachine.initial(),
    { type: 'bootstrap', clusterId: 'here', slotCount: 2 },
    ...[join('a', 'A'), join('b', 'B')],
    step({ ...at(0), type: 'begin', leader: 'a', reason: 'unassigned' }),
    step({ ...at(1), type: 'join', server: 'b', reason: 'replicas' }),
    step({ ...at(1), type: 'complete', leader: 'a', server: 'b' }),
  );
}

const mark = step({ ...at(1), type: 'durable', leader: 'a' });
const behind = (disk: string): MetaCommand => step({ ...at(1), type: 'behind', leader: 'a', disk });
const slotOf = ({ table }: MetaState): SlotAssignment => table.slots[0]!;

describe('a durable slot', () => {
  it('names the disks of its complete replicas, by the word of its leader alone', () => {
    expect(slotOf(apply(replicated(), mark))).toMatchObject({ durable: true, disks: ['A', 'B'], followers: ['b'] });
    const foreign = step({ ...at(1), type: 'durable', leader: 'b' });
    const late = step({ ...at(0), type: 'durable', leader: 'a' });
    expect(slotOf(apply(replicated(), foreign, late)).durable).toBeUndefined();
  });

  it('counts no replica complete that has no disk, from the beginning or later on', () => {
    const state = apply(
      replicated(),
      join('c'),
      step({ ...at(1), type: 'join', server: 'c', reason: 'replicas' }),
      step({ ...at(1), type: 'complete', leader: 'a', server: 'c' }),
      mark,
    );
    expect(slotOf(state)).toMatchObject({ disks: ['A', 'B'], followers: ['b'], joining: ['c'] });
    const again = apply(state, step({ ...at(1), type: 'complete', leader: 'a', server: 'c' }));
    expect(slotOf(again)).toEqual(slotOf(state));
  });

  it('takes a disk off that its leader cannot reach, and makes who has it join anew', () => {
    const state = apply(replicated(), mark, behind('B'));
    expect(slotOf(state)).toMatchObject({ disks: ['A'], followers: [], joining: ['b'] });
    expect(slotOf(apply(state, step({ ...at(1), type: 'complete', leader: 'a', server: 'b' })))).toMatchObject({
      disks: ['A', 'B'],
      followers: ['b'],
    });
    // Proposed and withdrawn: it has to be joined again.
    expect(slotOf(apply(state, behind('B')))).toMatchObject({ disks: ['A'], joining: [] });
    expect(slotOf(apply(state, behind('A')))).toEqual(slotOf(state));
  });

  it('lets a replica that is dropped while it lives go with its disk, and remembers that of one that is gone', () => {
    const drop = step({ ...at(1), type: 'drop', server: 'b', reason: 'surplus' });
    expect(slotOf(apply(replicated(), mark, drop)).disks).toEqual(['A']);
    expect(slotOf(apply(replicated(), mark, remove('b'), drop)).disks).toEqual(['A', 'B']);
  });

  it('waits for one of its disks, and is led by who comes back with it, not by who comes back empty', () => {
    const dead = apply(replicated(), mark, remove('a'), remove('b'));
    const empty = apply(dead, join('a2', 'X', 'a:1'), join('b2', 'Y', 'b:1'));
    expect(resumes(empty.table)).toEqual([]);
    const begin = step({ ...at(1), type: 'begin', leader: 'a2', reason: 'leader-gone' });
    const forced = step({ ...at(1), type: 'resume', leader: 'a2' });
    expect(slotOf(apply(empty, begin, forced))).toMatchObject({ leader: 'a', leaderEpoch: 1 });

    const back = apply(empty, join('b3', 'B', 'b:1'));
    const [resume] = resumes(back.table);
    expect(resume).toEqual({ ...at(1), type: 'resume', leader: 'b3' });
    const led = { leader: 'b3', leaderEpoch: 2, begun: true, followers: [], disks: ['A', 'B'] };
    expect(slotOf(apply(back, step(resume!)))).toMatchObject(led);
  });

  it('is given within the join to who restarts with its disk, and not to who restarts with another', () => {
    const alone = apply(
      replicated(),
      mark,
      behind('B'),
      step({ ...at(1), type: 'drop', server: 'b', reason: 'surplus' }),
    );
    expect(slotOf(apply(alone, join('a2', 'A', 'a:1')))).toMatchObject({ leader: 'a2', leaderEpoch: 2 });
    expect(slotOf(apply(alone, join('a2', 'X', 'a:1')))).toMatchObject({ leader: 'a', leaderEpoch: 1 });
  });

  it('is given up by an operator only while it waits, at the leaderEpoch that was seen', () => {
    const abandon = (leaderEpoch: number): MetaCommand => ({ type: 'abandonSlot', slot: 0, leaderEpoch });
    const led = apply(replicated(), mark);
    expect(slotOf(apply(led, abandon(1))).durable).toBe(true);
    const dead = apply(led, remove('a'), remove('b'));
    expect(slotOf(apply(dead, abandon(2))).durable).toBe(true);
    expect(slotOf(apply(dead, abandon(1)))).not.toHaveProperty('durable');
  });
});
