import { registrySimulation } from './random-faults.js';
import { Tally } from './simulation.js';

/** More and other seeds: npm run sim -- --registry --seeds 1000 */
const SEEDS = 40;

const tally = new Tally();

describe('random faults', () => {
  it.each(Array.from({ length: SEEDS }, (_, i) => 1 + i))('seed %i converges', (seed) => {
    const { exercised, fingerprint } = registrySimulation.run(seed);
    tally.add(exercised);
    expect(fingerprint).not.toBe('');
  });

  it('replays a seed exactly', () => {
    const { fingerprint } = registrySimulation.run(1);
    expect(registrySimulation.run(1).fingerprint).toBe(fingerprint);
    expect(registrySimulation.run(2).fingerprint).not.toBe(fingerprint);
  });

  it('has exercised everything that it claims to', () => {
    expect(SEEDS).toBeGreaterThanOrEqual(registrySimulation.enoughSeeds);
    expect(tally.missing(registrySimulation)).toEqual([]);
  });
});
