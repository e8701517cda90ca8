import * as fc from 'fast-check';
import { Cluster } from './cluster.js';
import { emptyTable, server } from './planner.harness.js';
import { leaderBounds, replicaBounds } from './shares.js';
import { Spread } from './spread.js';

function clusterOf(replicas: number, ...servers: string[]): Cluster {
  return new Cluster({ table: emptyTable(1, servers.map(server)), replicas });
}

function replicaShares(slots: number, replicas: number, ...servers: string[]): number[] {
  const cluster = clusterOf(replicas, ...servers);
  return [...replicaBounds(cluster, new Spread(cluster), slots).share];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

describe('the share of a server', () => {
  it('is by weight', () => {
    expect(replicaShares(120, 1, 'a', 'b*2', 'c*3')).toEqual([20, 40, 60]);
    expect(replicaShares(120, 2, 'a', 'b', 'c')).toEqual([80, 80, 80]);
  });

  it('is no more than one replica of each slot, and the rest goes to the others by weight', () => {
    expect(replicaShares(100, 2, 'a*8', 'b', 'c')).toEqual([100, 50, 50]);
    expect(replicaShares(100, 3, 'a*8', 'b*6', 'c*2', 'd')).toEqual([100, 100, 200 / 3, 100 / 3]);
  });

  it('is what the spread over zones leaves it', () => {
    expect(replicaShares(100, 2, 'a@x', 'b@y', 'c@y', 'd@y')).toEqual([100, 100 / 3, 100 / 3, 100 / 3]);
    // Of three replicas in two zones, one or two stand in each; the lone server of a zone has one of each slot.
    expect(replicaShares(90, 3, 'a@x', 'b@y', 'c@y', 'd@y')).toEqual([90, 60, 60, 60]);
    expect(replicaShares(90, 3, 'a@x', 'b@x', 'c@y', 'd@y')).toEqual([67.5, 67.5, 67.5, 67.5]);
    expect(replicaShares(90, 3, 'a@x', 'b@x', 'c@y*9', 'd@y*9')).toEqual([45, 45, 90, 90]);
  });

  it('bounds what is balanced by a tenth or by one, whichever is more', () => {
    const cluster = clusterOf(1, 'a', 'b*9');
    expect(leaderBounds(cluster, [true, true], 256)).toEqual({
      share: [25.6, 230.4],
      fewest: [24, 208],
      most: [28, 253],
    });
    expect(leaderBounds(cluster, [true, true], 20)).toEqual({ share: [2, 18], fewest: [1, 17], most: [3, 19] });
    expect(leaderBounds(cluster, [false, true], 20)).toEqual({ share: [0, 20], fewest: [0, 18], most: [0, 22] });
  });

  it('adds up, keeps to the zones, and leaves room for whole replicas, whatever the cluster', () => {
    const servers = fc.array(
      fc.record({ zone: fc.constantFrom('x', 'y', 'z'), weight: fc.double({ min: 0.01, max: 1_000, noNaN: true }) }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(
        servers,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5_000 }),
        (of, replicas, slots) => {
          const cluster = clusterOf(replicas, ...of.map(({ zone, weight }, i) => `d${i}@${zone}*${weight}`));
          const spread = new Spread(cluster);
          const { share, fewest, most } = replicaBounds(cluster, spread, slots);
          expect(sum(share)).toBeCloseTo(slots * cluster.replicas, 4);
          for (const [zone, size] of spread.zoneSizes.entries()) {
            const held = sum(share.filter((_, server) => cluster.zone[server] === zone));
            expect(held).toBeLessThanOrEqual(slots * Math.min(size, spread.perZone) + 1e-4);
            expect(held).toBeGreaterThanOrEqual(slots * Math.min(size, spread.perZone - 1) - 1e-4);
          }
          for (const [server, of] of share.entries()) {
            expect(of).toBeLessThanOrEqual(slots + 1e-4);
            expect(fewest[server]!).toBeLessThanOrEqual(Math.floor(of + 1e-6));
            expect(most[server]!).toBeGreaterThanOrEqual(Math.ceil(of - 1e-6));
          }
          // Of two servers in a zone the heavier holds more, in proportion unless it holds all it can.
          for (let a = 0; a < share.length; a++) {
            for (let b = 0; b < share.length; b++) {
              if (cluster.zone[a] !== cluster.zone[b] || share[a]! > slots - 1e-4) continue;
              expect(share[a]! * cluster.weight[b]!).toBeGreaterThanOrEqual(
                share[b]! * cluster.weight[a]! * (1 - 1e-6),
              );
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the spread over zones', () => {
  it.each([
    [2, 'a@x b@y', 1, 2],
    [2, 'a@x b@x c@y d@z', 1, 2],
    [3, 'a@x b@x c@y d@y', 2, 1],
    [3, 'a@x b@y c@y', 2, 1],
    [4, 'a@x b@x c@y d@y e@z f@z', 2, 1],
    [3, 'a b c', 3, 1],
    [5, 'a@x b@y c@y d@y e@y', 4, 1],
  ])('of %i replicas over %s is at most %i in a zone, in at most %i zones', (replicas, servers, perZone, fullZones) => {
    expect(new Spread(clusterOf(replicas, ...servers.split(' ')))).toMatchObject({ perZone, fullZones });
  });

  it('leaves room where a replica would go, or has gone', () => {
    const spread = new Spread(clusterOf(3, 'a@x', 'b@x', 'c@y', 'd@y'));
    expect(spread.hasRoom([0, 2], 1)).toBe(true);
    expect(spread.hasRoom([0, 1], 2)).toBe(true);
    expect(spread.hasRoom([0, 1, 2], 3)).toBe(false);
    expect(spread.hasRoom([0, 1, 2], 3, 1)).toBe(true);
    expect(spread.allows([0, 1, 3])).toBe(true);
    expect(spread.allows([0, 1, 2, 3])).toBe(false);
  });
});
