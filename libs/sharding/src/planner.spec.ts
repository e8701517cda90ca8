import type { RoutingTable, SlotAssignment } from '#model';
import { type PlanInput, type PlanStep, plan } from './index.js';
import { applied, caughtUp, emptyTable, loadsOf, server, settle, slotOf, tableOf } from './planner.harness.js';

const servers = (...texts: string[]): RoutingTable['members'] => texts.map(server);
const without = (table: RoutingTable, ...gone: string[]): RoutingTable => ({
  ...table,
  members: table.members.filter(({ incarnation }) => !gone.includes(incarnation)),
});

/** Steps as words: `promote b`, `move a b`. */
function words(steps: readonly PlanStep[]): string[] {
  return steps.map((step) => {
    switch (step.type) {
      case 'promote':
      case 'begin':
        return `${step.type} ${step.leader}`;
      case 'move':
        return `move ${step.from} ${step.to}`;
      default:
        return `${step.type} ${step.server}`;
    }
  });
}

/** The plan for a single slot, in words. */
function planOf(slot: SlotAssignment, members: string, rest: Partial<PlanInput> = {}): string[] {
  return words(plan({ table: tableOf(servers(...members.split(' ')), [slot]), replicas: 2, ...rest }));
}

describe('a slot without a leader', () => {
  it('is begun from empty, and then joined by other replicas', () => {
    expect(planOf(slotOf('-'), 'a b')).toEqual(['begin a']);
    expect(planOf(slotOf('a'), 'a b')).toEqual(['join b']);
    expect(planOf(slotOf('a +b'), 'a b')).toEqual([]);
    expect(planOf(slotOf('a b'), 'a b')).toEqual([]);
  });

  it('is led by a complete follower, never by one that is joining while a complete one lives', () => {
    expect(planOf(slotOf('gone b +c'), 'a b c', { replicas: 3 })).toEqual(['promote b']);
    expect(planOf(slotOf('gone +c b'), 'a b c', { replicas: 3 })).toEqual(['promote b']);
  });

  it('is led by the complete follower that lags least', () => {
    const lags: Record<string, number | undefined> = { b: 7, c: 3, d: undefined };
    const lag = (slot: number, incarnation: string): number | undefined => (slot === 0 ? lags[incarnation] : 0);
    expect(planOf(slotOf('gone b c d'), 'b c d', { replicas: 3, lag })).toEqual(['promote c']);
    expect(planOf(slotOf('gone b d'), 'b c d', { replicas: 3, lag })).toEqual(['promote b']);
  });

  it('is led by the follower that should lead more, where nothing is known of their lag', () => {
    const table = tableOf(servers('b', 'c'), [slotOf('b c'), slotOf('b c'), slotOf('gone b c')]);
    expect(words(plan({ table, replicas: 2 }))).toContain('promote c');
  });

  it('is begun by a replica that was joining, where no complete one lives', () => {
    expect(planOf(slotOf('gone +c'), 'a b c')).toEqual(['begin c']);
  });

  it('waits for a complete replica if it has held a persistent publication, and forgets none of them', () => {
    expect(planOf(slotOf('gone lost +c', { durable: true }), 'a b c')).toEqual([]);
    expect(planOf(slotOf('gone back +c', { durable: true }), 'a back c')).toEqual(['promote back']);
  });

  it('keeps nobody else waiting', () => {
    const slots = [slotOf('gone', { durable: true }), slotOf('gone b'), slotOf('gone'), slotOf('b a')];
    const steps = plan({ table: tableOf(servers('a', 'b'), slots), replicas: 2 });
    expect(words(steps.filter(({ slot }) => slot < 3))).toEqual(['promote b', 'begin a']);
  });

  it('gets one without bound, while all else is bounded', () => {
    const limits = { maxJoining: 1, maxJoiningPerServer: 1, movesPerRound: 1 };
    const table = emptyTable(256, servers('a', 'b'));
    const first = plan({ table, replicas: 2, limits });
    expect(first.filter(({ type }) => type === 'begin')).toHaveLength(256);
    expect(first).toHaveLength(256);
    expect(plan({ table: applied(table, first), replicas: 2, limits })).toHaveLength(1);
  });

  it('goes on naming a leader that is gone while no data server lives', () => {
    expect(plan({ table: tableOf([], [slotOf('gone'), slotOf('-')]), replicas: 2 })).toEqual([]);
    const session = { ...server('s'), role: 'session' as const };
    expect(plan({ table: tableOf([session], [slotOf('gone s')]), replicas: 2 })).toEqual([]);
  });
});

describe('a server that is unfit', () => {
  const unfit = new Set(['a']);

  it('hands every slot that it leads to a complete follower at once, and catches up with it', () => {
    const table = tableOf(servers('a', 'b', 'c'), [slotOf('a b'), slotOf('a c'), slotOf('b a')]);
    const steps = plan({ table, replicas: 2, unfit });
    expect(words(steps)).toEqual(['promote b', 'promote c']);
    expect(steps.map(({ reason }) => reason)).toEqual(['leader-unfit', 'leader-unfit']);
    const after = applied(table, steps);
    expect(after.slots[0]).toMatchObject({ leader: 'b', leaderEpoch: 2, followers: [], joining: ['a'] });
    expect(plan({ table: after, replicas: 2, unfit })).toEqual([]);
  });

  it('loses a slot that nobody else has, unless it holds something persistent', () => {
    expect(planOf(slotOf('a'), 'a b', { replicas: 1, unfit })).toEqual(['begin b']);
    expect(planOf(slotOf('a', { durable: true }), 'a b', { replicas: 1, unfit })).toEqual(['join b']);
  });

  it('is not asked to lead or to take replicas while others can, and leads again once it is fit', () => {
    const table = emptyTable(64, servers('a', 'b', 'c'));
    const rest = settle({ table, replicas: 2, unfit }).table;
    expect(loadsOf(rest).a).toEqual({ leads: 0, replicas: 0 });
    expect(loadsOf(settle({ table: rest, replicas: 2 }).table).a!.leads).toBeGreaterThanOrEqual(19);
  });

  it('leads what nobody else may', () => {
    expect(planOf(slotOf('gone a', { durable: true }), 'a b', { unfit })).toEqual(['promote a']);
  });

  it('is as good as any where all are', () => {
    const all = new Set(['a', 'b']);
    expect(planOf(slotOf('a b'), 'a b', { unfit: all })).toEqual([]);
    expect(planOf(slotOf('-'), 'a b', { unfit: all })).toEqual(['begin a']);
  });
});

describe('a replica', () => {
  it('is dropped once it is gone, and another joins at the same time', () => {
    const steps = plan({ table: tableOf(servers('a', 'c'), [slotOf('a gone +lost')]), replicas: 2 });
    expect(words(steps)).toEqual(['drop gone', 'drop lost', 'join c']);
    expect(steps.map(({ reason }) => reason)).toEqual(['gone', 'gone', 'replicas']);
  });

  it('joins another zone, and makes room there only when it is complete', () => {
    const members = 'a@x b@x c@y';
    expect(planOf(slotOf('a b'), members)).toEqual(['join c']);
    expect(planOf(slotOf('a b +c'), members)).toEqual([]);
    expect(planOf(slotOf('a b c'), members)).toEqual(['drop b']);
    expect(planOf(slotOf('a c'), members)).toEqual([]);
  });

  it('is one too many after the replica count was lowered; the leader stays', () => {
    expect(planOf(slotOf('c a b'), 'a b c', { replicas: 1 })).toEqual(['drop a', 'drop b']);
  });

  it('joins slots with the fewest complete replicas first', () => {
    const slots = [slotOf('a b'), slotOf('a'), slotOf('a b'), slotOf('a')];
    const limits = { maxJoining: 3, maxJoiningPerServer: 3 };
    const steps = plan({ table: tableOf(servers('a', 'b', 'c'), slots), replicas: 3, limits });
    const joins = steps.filter(({ type }) => type === 'join');
    expect(joins.map(({ slot }) => slot)).toEqual([1, 1, 3]);
  });

  it('joins within the limits, which count what is under way', () => {
    const limits = { maxJoining: 5, maxJoiningPerServer: 3 };
    let table = tableOf(servers('a', 'b', 'c'), Array<SlotAssignment>(30).fill(slotOf('a')));
    const first = plan({ table, replicas: 3, limits });
    // One leader feeds three at most.
    expect(words(first.filter(({ type }) => type === 'join'))).toHaveLength(3);
    table = applied(table, first);
    expect(plan({ table, replicas: 3, limits }).filter(({ type }) => type === 'join')).toEqual([]);
    table = caughtUp(table, (incarnation) => incarnation === 'b');
    expect(plan({ table, replicas: 3, limits }).filter(({ type }) => type === 'join')).not.toEqual([]);
  });
});

describe('one replica for each slot', () => {
  it('is all that the first data server begins, at once', () => {
    const steps = plan({ table: emptyTable(256, servers('a')), replicas: 1 });
    expect(steps).toHaveLength(256);
    expect(steps[7]).toEqual({ type: 'begin', slot: 7, expectedLeaderEpoch: 0, leader: 'a', reason: 'unassigned' });
  });

  it('is moved by join, move and drop, as few as bring balance, a few at a time', () => {
    const one = settle({ table: emptyTable(256, servers('a')), replicas: 1 }).table;
    const input = { table: { ...one, members: servers('a', 'b') }, replicas: 1, limits: { maxJoining: 4 } };
    const first = plan(input);
    expect(words(first)).toEqual(['join b', 'join b', 'join b', 'join b']);
    expect(plan({ ...input, table: applied(input.table, first) })).toEqual([]);
    const complete = caughtUp(applied(input.table, first));
    expect(words(plan({ ...input, table: complete }))).toContain('move a b');
    const { table, steps } = settle(input);
    // 116 is within 10 % of 128.
    expect(loadsOf(table)).toEqual({ a: { leads: 140, replicas: 140 }, b: { leads: 116, replicas: 116 } });
    for (const type of ['join', 'move', 'drop']) expect(steps.filter((step) => step.type === type)).toHaveLength(116);
  });

  it('is begun elsewhere when its server is gone, and no other slot moves', () => {
    const before = settle({ table: emptyTable(256, servers('a', 'b', 'c')), replicas: 1 }).table;
    const after = without(before, 'b');
    const steps = plan({ table: after, replicas: 1 });
    expect(new Set(steps.map(({ type, reason }) => `${type} ${reason}`))).toEqual(new Set(['begin leader-gone']));
    expect(steps.map(({ slot }) => slot)).toEqual(
      before.slots.flatMap(({ leader }, slot) => (leader === 'b' ? [slot] : [])),
    );
    expect(steps[0]!.expectedLeaderEpoch).toBe(1);
    expect(loadsOf(applied(after, steps))).toEqual({
      a: { leads: 128, replicas: 128 },
      c: { leads: 128, replicas: 128 },
    });
  });
});

describe('while re-replication is frozen', () => {
  it('followers are promoted and slots begun, and nothing else happens', () => {
    const slots = [slotOf('gone b'), slotOf('gone'), slotOf('a gone'), slotOf('a'), slotOf('a b c')];
    const table = tableOf(servers('a@x', 'b@x', 'c@y'), slots);
    const steps = plan({ table, replicas: 2, frozen: true, draining: new Set(['a']) });
    expect(words(steps)).toEqual(['promote b', 'begin c']);
  });
});

describe('while nothing may move for balance', () => {
  it('leaders and replicas are restored, and moves under way end', () => {
    const slots = [
      slotOf('gone b'),
      slotOf('a'),
      slotOf('a b'),
      slotOf('a b'),
      slotOf('a b'),
      slotOf('a b'),
      slotOf('a b'),
    ];
    const input = { table: tableOf(servers('a', 'b', 'c'), slots), replicas: 2 };
    expect(words(plan({ ...input, mayBalance: false }))).toEqual(['promote b', 'join c']);
    expect(words(plan(input)).filter((word) => word.startsWith('join'))).toHaveLength(3);
    const moving = { table: tableOf(servers('a', 'b'), [slotOf('a b'), slotOf('a')]), replicas: 1 };
    expect(words(plan({ ...moving, mayBalance: false }))).toEqual(['drop b']);
    const needed = {
      ...moving,
      table: tableOf(servers('a', 'b'), [slotOf('a b'), slotOf('a'), slotOf('a'), slotOf('a')]),
    };
    expect(words(plan({ ...needed, mayBalance: false }))).toEqual(['move a b']);
  });
});

describe('a draining server', () => {
  const draining = new Set(['a']);

  it('hands over what it leads to who is complete, and leaves when another replica is', () => {
    const members = 'a b c';
    expect(planOf(slotOf('a b'), members, { draining })).toEqual(['join c', 'move a b']);
    expect(planOf(slotOf('b a'), members, { draining })).toEqual(['join c']);
    expect(planOf(slotOf('b a +c'), members, { draining })).toEqual([]);
    expect(planOf(slotOf('b a c'), members, { draining })).toEqual(['drop a']);
    expect(planOf(slotOf('b c'), members, { draining })).toEqual([]);
  });

  it('leaves to the others what they can hold', () => {
    expect(planOf(slotOf('a b'), 'a b', { draining })).toEqual(['move a b']);
    expect(planOf(slotOf('b a'), 'a b', { draining })).toEqual(['drop a']);
  });

  it('keeps all it has while there is no other', () => {
    expect(planOf(slotOf('a'), 'a', { draining })).toEqual([]);
    expect(planOf(slotOf('-'), 'a', { draining })).toEqual(['begin a']);
    expect(planOf(slotOf('a b'), 'a b', { draining: new Set(['a', 'b']) })).toEqual([]);
  });
});

describe('weights', () => {
  it('divide the slots', () => {
    const { table } = settle({ table: emptyTable(256, servers('a*1', 'b*3')), replicas: 1 });
    expect(loadsOf(table)).toEqual({ a: { leads: 64, replicas: 64 }, b: { leads: 192, replicas: 192 } });
  });

  it('give nothing to what is no positive number, unless no server has a better one', () => {
    const odd = servers('a*0', 'b*NaN', 'c*-3', 'd*Infinity', 'e*2');
    const { table } = settle({ table: emptyTable(256, odd), replicas: 1 });
    expect(loadsOf(table).e).toEqual({ leads: 256, replicas: 256 });
    const zero = settle({ table: emptyTable(256, servers('a*0', 'b*0')), replicas: 1 }).table;
    expect(loadsOf(zero)).toEqual({ a: { leads: 128, replicas: 128 }, b: { leads: 128, replicas: 128 } });
  });

  it('cannot give a server two replicas of a slot, nor a zone more than its part', () => {
    const heavy = settle({ table: emptyTable(100, servers('a*8', 'b*1', 'c*1')), replicas: 2 }).table;
    expect(loadsOf(heavy).a!.replicas).toBeGreaterThanOrEqual(90);
    expect(loadsOf(heavy).b!.replicas).toBeLessThanOrEqual(55);
    const lone = settle({ table: emptyTable(100, servers('a@x', 'b@y', 'c@y', 'd@y', 'e@y')), replicas: 2 }).table;
    expect(Object.values(loadsOf(lone)).map(({ replicas }) => replicas)).toEqual([100, 25, 25, 25, 25]);
    expect(Object.values(loadsOf(lone)).map(({ leads }) => leads)).toEqual([20, 20, 20, 20, 20]);
  });
});

it('keeps a slot for each where servers outnumber slots', () => {
  const many = Array.from({ length: 30 }, (_, i) => server(`d${i}`));
  const { table } = settle({ table: emptyTable(4, many), replicas: 2 });
  expect(Math.max(...Object.values(loadsOf(table)).map(({ replicas }) => replicas))).toBe(1);
});

it('leaves a little of a server that dies to everyone', () => {
  const { table } = settle({ table: emptyTable(256, servers('a', 'b', 'c', 'd', 'e')), replicas: 2 });
  const promoted = plan({ table: without(table, 'a'), replicas: 2 }).filter((step) => step.type === 'promote');
  expect(promoted.length).toBeGreaterThan(45);
  for (const leader of 'bcde')
    expect(promoted.filter((step) => step.leader === leader).length).toBeGreaterThan(promoted.length / 8);
});
