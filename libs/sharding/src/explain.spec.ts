import type { SlotAssignment } from '#model';
import { type PlanInput, explainer, plan } from './index.js';
import { server, slotOf, tableOf } from './planner.harness.js';

type Story = [what: string, members: string, slots: SlotAssignment[], rest: Partial<PlanInput>, explained: string[]];

const many = (text: string, count: number): SlotAssignment[] => Array<SlotAssignment>(count).fill(slotOf(text));

describe('every step is explained', () => {
  it.each<Story>([
    [
      'a promotion without a choice',
      'b c',
      [slotOf('a b')],
      {},
      ['Slot 0 has lost its leader a. b, the only complete follower that lives, takes over.'],
    ],
    [
      'a promotion by lag',
      'b c d',
      [slotOf('a b c d')],
      { lag: (_, incarnation) => ({ b: 120, c: 1 })[incarnation] },
      [
        'Slot 0 has lost its leader a. Of 3 complete followers c takes over: it lags by 1 operation; ' +
          'b lags by 120 operations; d lags by an unknown number.',
      ],
    ],
    [
      'a promotion by load',
      'b c',
      [slotOf('a b c'), ...many('b c', 3)],
      {},
      [
        'Slot 0 has lost its leader a. Of 2 complete followers c takes over: it leads 0 slots (1 to 3 in balance); ' +
          'b leads 3 slots (1 to 3 in balance).',
      ],
    ],
    [
      'a promotion past a leader that is unfit',
      'a b',
      [slotOf('a b')],
      { unfit: new Set(['a']) },
      ['Slot 0 is led by a, which is unfit to lead. b, the only complete follower that lives, takes over.'],
    ],
    [
      'the first leader',
      'a b',
      [slotOf('-')],
      {},
      ['Slot 0 has no leader yet. a begins it from empty; a leads 0 slots (0 to 1 in balance).'],
    ],
    [
      'a beginning after a loss',
      'b c',
      [slotOf('a +c')],
      {},
      ['Slot 0 has lost its leader a, and no complete follower lives. c begins it from empty; c was joining it.'],
    ],
    [
      'a beginning past a leader that is unfit',
      'a b',
      [slotOf('a')],
      { unfit: new Set(['a']) },
      [
        'Slot 0 is led by a, which is unfit to lead, and no complete follower is fit. b begins it from empty; ' +
          'b leads 0 slots (0 to 2 in balance).',
      ],
    ],
    [
      'a replica that is gone, and the one that replaces it',
      'a b@x',
      [slotOf('a lost')],
      {},
      [
        'Slot 0 names lost, which is gone.',
        'Slot 0 has 1 of 2 replicas. b joins it in zone x; b holds 0 slots (0 to 2 in balance).',
      ],
    ],
    [
      'a drain',
      'a b c',
      [slotOf('a b')],
      { draining: new Set(['a']) },
      [
        'Slot 0 has a replica on a, to be drained. c joins it; c holds 0 slots (0 to 2 in balance).',
        'Slot 0 is led by a, to be drained. b, a complete follower, takes over; b leads 0 slots (0 to 1 in balance).',
      ],
    ],
    [
      'the end of a drain',
      'a b c',
      [slotOf('b a c')],
      { draining: new Set(['a']) },
      ['Slot 0 has enough replicas without a, to be drained: on b and c.'],
    ],
    [
      'zones',
      'a@x b@x c@y',
      [slotOf('a b')],
      {},
      ['Slot 0 has its replicas in zone x. c joins it in zone y; c holds 0 slots (0 to 2 in balance).'],
    ],
    [
      'balance',
      'a b',
      many('a', 4),
      { replicas: 1 },
      [
        'Slot 0 is to leave a, which holds 4 slots (1 to 3 in balance). b joins it; b holds 0 slots (1 to 3 in balance).',
      ],
    ],
    [
      'a server without weight',
      'a*0 b c',
      [slotOf('b a')],
      {},
      ['Slot 0 is to leave a, which holds 1 slot (0 in balance). c joins it; c holds 0 slots (0 to 2 in balance).'],
    ],
    [
      'a replica on its way',
      'a b',
      [slotOf('a b'), ...many('a', 3)],
      { replicas: 1 },
      [
        'Slot 0 is led by a, but is to be held by b. b, a complete follower, takes over; b leads 0 slots (1 to 3 in balance).',
      ],
    ],
    [
      'a replica that has arrived',
      'a b',
      [slotOf('b a'), ...many('a', 3)],
      { replicas: 1 },
      ['Slot 0 has 2 replicas where 1 is wanted: on b. a goes; a holds 4 slots (1 to 3 in balance).'],
    ],
    [
      'a join that is not needed any more',
      'a b',
      [slotOf('a +b')],
      { replicas: 1 },
      ['Slot 0 need not be joined by b any more: it is for a.'],
    ],
    [
      'the balance of leaders',
      'a b',
      many('a b', 4),
      {},
      [
        'Slot 0 is led by a, which leads 4 slots (1 to 3 in balance). b, a complete follower, takes over; ' +
          'b leads 0 slots (1 to 3 in balance).',
      ],
    ],
  ])('%s', (_, members, slots, rest, expected) => {
    const input = { table: tableOf(members.split(' ').map(server), slots), replicas: 2, ...rest };
    const planned = plan(input);
    const steps = planned.filter(({ slot }) => slot === planned[0]!.slot);
    expect(steps.map(explainer(input))).toEqual(expected);
  });
});
