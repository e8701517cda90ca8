import { Tally } from '../simulation.js';
import { groupSimulation } from './simulation.js';

/** More and other seeds: npm run sim -- --group --seeds 10000 */
const SEEDS = 120;
const SEEDS_AT_ONCE = 20;

const tally = new Tally();

describe('a Raft group under random faults', () => {
  const parts = Array.from({ length: SEEDS / SEEDS_AT_ONCE }, (_, i) => 1 + i * SEEDS_AT_ONCE);

  it.each(parts)('keeps every promise, seeds from %i on', (first) => {
    for (let seed = first; seed < first + SEEDS_AT_ONCE; seed++) {
      const { exercised, fingerprint } = groupSimulation.run(seed);
      tally.add(exercised);
      expect(fingerprint).not.toBe('');
    }
  });

  it('replays a seed exactly, also when it is being watched', () => {
    const { fingerprint } = groupSimulation.run(1);
    const lines: string[] = [];
    expect(groupSimulation.run(1, (line) => lines.push(line)).fingerprint).toBe(fingerprint);
    expect(groupSimulation.run(2).fingerprint).not.toBe(fingerprint);
    expect(lines.join('\n')).toMatch(/n\d > n\d append \d+ /);
  });

  it('has exercised everything that it claims to', () => {
    expect(SEEDS).toBeGreaterThanOrEqual(groupSimulation.enoughSeeds);
    expect(tally.missing(groupSimulation)).toEqual([]);
  });
});
