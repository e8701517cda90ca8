import * as fc from 'fast-check';
import type { RoutingTable } from '#model';
import { type Forecast, type PlanInput, forecast, isDrained, plan } from './index.js';
import { applied, caughtUp, emptyTable, loadsOf, server, settle, slotOf, tableOf } from './planner.harness.js';
import { expectSettled } from './world.harness.js';

const ENOUGH = { maxJoining: 100_000, maxJoiningPerServer: 100_000, movesPerRound: 100_000 };

/** The table once all that is forecast has come true. */
function fulfilled(table: RoutingTable, { steps }: Forecast): RoutingTable {
  const changed = new Map<number, RoutingTable>();
  // By slot, since no step of one slot depends on another slot.
  for (const step of steps) {
    const one = changed.get(step.slot) ?? { ...table, slots: [table.slots[step.slot]!] };
    changed.set(step.slot, caughtUp(applied(one, [{ ...step, slot: 0 }])));
  }
  return { ...table, slots: table.slots.map((slot, at) => changed.get(at)?.slots[0] ?? slot) };
}

/** A table as the planner has made it for these servers. */
function settledTable(slots: number, members: RoutingTable['members'], replicas: number): RoutingTable {
  const table = emptyTable(slots, members);
  return fulfilled(table, forecast({ table, replicas, limits: ENOUGH }));
}

/**
 * Within a tenth of the least possible, or one more: so are all clusters together, and each whose servers are alike and in
 * one zone. Else the least is a bound that zones may put out of reach, and a single cluster may need a few more.
 */
class Fewest {
  private total = 0;
  private totalLeast = 0;

  count({ changes, least }: Pick<Forecast, 'changes' | 'least'>, servers: RoutingTable['members']): void {
    const kinds = new Set(servers.map(({ zone, weight }) => `${zone} ${weight}`)).size;
    const [factor, more] = kinds === 1 ? [1.1, 1] : [1.5, 8];
    for (const kind of ['joins', 'leaders'] as const) {
      if (changes[kind] > Math.max(least[kind] * factor, least[kind] + more))
        throw new Error(`${changes[kind]} ${kind} where ${least[kind]} might do.`);
      this.total += changes[kind];
      this.totalLeast += least[kind];
    }
  }

  /** Of all that were counted. */
  get ratio(): number {
    return this.total / this.totalLeast;
  }
}

const zone = fc.constantFrom('x', 'y', 'z');
const members = (most: number): fc.Arbitrary<RoutingTable['members']> =>
  fc
    .array(fc.record({ zone, weight: fc.constantFrom(1, 1, 1, 2, 4) }), { minLength: 2, maxLength: most })
    .map((servers) => servers.map((of, i) => server(`d${String(i).padStart(3, '0')}@${of.zone}*${of.weight}`)));

describe('a forecast', () => {
  it('lists what a new server leads to, and with how little it could be done', () => {
    const before = settledTable(256, ['a', 'b', 'c'].map(server), 2);
    const { steps, changes, least, loads, rounds } = forecast({
      table: { ...before, members: ['a', 'b', 'c', 'd'].map(server) },
      replicas: 2,
    });
    // 116 replicas and 58 leaders are within 10 % of 128 and 64.
    expect(changes).toEqual({ joins: 116, leaders: 58 });
    expect(least).toEqual(changes);
    expect(steps).toHaveLength(116 + 58 + 116);
    expect(rounds).toBeGreaterThan(116 / 16);
    expect(loads.before.map(({ replicas }) => replicas.count)).toEqual([171, 170, 171, 0]);
    expect(loads.after.at(-1)).toEqual({
      incarnation: 'd',
      zone: '',
      weight: 1,
      leads: { count: 58, fewest: 58, most: 70 },
      replicas: { count: 116, fewest: 116, most: 140 },
    });
  });

  it('looks beyond what is under way, also while that leaves nothing to begin', () => {
    const before = settledTable(12, ['a', 'b'].map(server), 2);
    const input = {
      table: { ...before, members: ['a', 'b', 'c'].map(server) },
      replicas: 2,
      limits: { maxJoining: 2 },
    };
    const underWay = { ...input, table: applied(input.table, plan(input)) };
    expect(plan(underWay)).toEqual([]);
    expect(forecast(underWay).loads.after).toEqual(forecast(input).loads.after);
  });

  it('is empty where all is well', () => {
    const table = settledTable(64, ['a@x', 'b@y', 'c@z'].map(server), 2);
    expect(forecast({ table, replicas: 2 })).toMatchObject({ steps: [], rounds: 0, changes: { joins: 0, leaders: 0 } });
  });

  it('goes no further than leaders while re-replication is frozen', () => {
    const table = tableOf(['a', 'b'].map(server), [slotOf('gone b'), slotOf('a')]);
    const { steps } = forecast({ table, replicas: 2, frozen: true });
    expect(steps).toEqual([{ slot: 0, expectedLeaderEpoch: 1, type: 'promote', leader: 'b', reason: 'leader-gone' }]);
  });

  it('shows when a server is drained', () => {
    const table = settledTable(64, ['a', 'b', 'c'].map(server), 2);
    const input = { table, replicas: 2, draining: new Set(['b']) };
    const after = fulfilled(table, forecast(input));
    expect([isDrained(table, 'b'), isDrained(after, 'b')]).toEqual([false, true]);
    expect(loadsOf(after).b).toEqual({ leads: 0, replicas: 0 });
    expect(isDrained(tableOf([], [slotOf('a +b')]), 'b')).toBe(false);
  });

  it('comes true: plan by plan, the table gets there with as many changes', () => {
    const fewest = new Fewest();
    fc.assert(
      fc.property(
        members(12),
        fc.constantFrom(4, 64, 128),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(11),
        fc.constantFrom('joined', 'gone', 'draining'),
        (servers, slots, replicas, pick, change) => {
          const other = servers[pick % servers.length]!;
          const rest = servers.filter((member) => member !== other);
          const before = settledTable(slots, change === 'joined' ? rest : servers, replicas);
          const table = { ...before, members: change === 'gone' ? rest : servers };
          const draining = new Set(change === 'draining' ? [other.incarnation] : []);
          const input: PlanInput & { table: RoutingTable } = { table, replicas, draining };
          const expected = forecast(input);
          const after = fulfilled(table, expected);
          expect(plan({ ...input, table: after })).toEqual([]);
          expectSettled({ ...input, table: after });
          const { steps } = settle(input);
          const count = (...types: string[]): number => steps.filter(({ type }) => types.includes(type)).length;
          const changes = { joins: count('join'), leaders: count('promote', 'begin', 'move') };
          fewest.count({ changes, least: expected.least }, servers);
          fewest.count(expected, servers);
          // Each plan looks for the nearest target anew, and may find a slightly nearer one.
          for (const kind of ['joins', 'leaders'] as const)
            expect(Math.abs(changes[kind] - expected.changes[kind])).toBeLessThanOrEqual(
              4 + expected.changes[kind] / 10,
            );
        },
      ),
      { numRuns: 60 },
    );
    expect(fewest.ratio).toBeLessThan(1.1);
  });
});

describe('up to 100 servers and 16,384 slots', () => {
  const hundred = (text: (i: number) => string): RoutingTable['members'] =>
    Array.from({ length: 100 }, (_, i) => server(`d${100 + i}${text(i)}`));
  const alike: [RoutingTable['members'], number, number] = [hundred((i) => `@z${i % 3}`), 16_384, 2];
  const various: typeof alike = [hundred((i) => `@z${i % 5}*${1 + (i % 4)}`), 16_384, 3];

  it('settle with next to the fewest changes when one server joins, dies or drains', () => {
    const fewest = new Fewest();
    fc.assert(
      fc.property(
        members(100),
        fc.constantFrom(1_024, 16_384),
        fc.integer({ min: 1, max: 3 }),
        (servers, slots, replicas) => {
          const table = settledTable(slots, servers, replicas);
          expectSettled({ table, replicas });
          expect(plan({ table, replicas })).toEqual([]);
          const joined = { table: { ...table, members: [...servers, server('new@x')] }, replicas, limits: ENOUGH };
          const died = { table: { ...table, members: servers.slice(1) }, replicas, limits: ENOUGH };
          const drains = { table, replicas, draining: new Set([servers[0]!.incarnation]), limits: ENOUGH };
          for (const input of [joined, died, drains]) {
            const expected = forecast(input);
            fewest.count(expected, servers);
            expectSettled({ ...input, table: fulfilled(input.table, expected) });
          }
        },
      ),
      { numRuns: 5, examples: [alike, various] },
    );
    expect(fewest.ratio).toBeLessThan(1.1);
  });
});
