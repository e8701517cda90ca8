import * as fc from 'fast-check';
import { seededRandom } from '#model';
import { World } from './world.harness.js';

/** Clusters of every shape; small ones are where most can go wrong. */
const shape = fc.record({
  seed: fc.nat(),
  slots: fc.constantFrom(1, 4, 16, 64),
  servers: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 8 }) }, fc.integer({ min: 9, max: 40 })),
  zones: fc.integer({ min: 1, max: 4 }),
  mostWeight: fc.constantFrom(1, 1, 3, 8),
  replicas: fc.integer({ min: 1, max: 3 }),
  limits: fc.record({
    maxJoining: fc.integer({ min: 8, max: 100 }),
    maxJoiningPerServer: fc.integer({ min: 4, max: 50 }),
    movesPerRound: fc.integer({ min: 2, max: 50 }),
  }),
});

describe('whatever happens on the way', () => {
  it('the table settles, hardly any step is undone unless the members change, and every plan rescues first', () => {
    fc.assert(
      fc.property(shape, ({ seed, ...options }) => {
        const random = seededRandom(seed);
        const world = new World({ ...options, random });
        let changes = 8;
        for (let round = 0; round < 3_000; round++) {
          const steps = world.plan();
          if (changes > 0 && random() < 0.15) {
            changes--;
            world.change();
            continue;
          }
          if (steps.length === 0 && !world.isJoining) break;
          const isInterrupted = random() < 0.5;
          world.make(steps.filter(() => !isInterrupted || random() < 0.5));
          world.catchUp(steps.length === 0 ? 1 : 0.5);
        }
        world.expectHardlyAnyUndone();
        expect(world.plan()).toEqual([]);
        world.expectSettled();
      }),
      { numRuns: 60 },
    );
  });
});
