import { Exercised } from './exercised.js';
import { runStory } from './story.js';

/** More or other seeds: npm run sim -- --group --seeds 10000 --seed 1 */
const FIRST_SEED = Number(process.env['SIM_SEED'] ?? 1);
const SEEDS = Number(process.env['SIM_SEEDS'] ?? 120);
const SEEDS_AT_ONCE = 20;

const exercised = new Exercised();

function run(seed: number): string {
  const story = runStory(seed);
  exercised.add(story.exercised);
  return story.hash;
}

describe('a Raft group under random faults', () => {
  const parts = Array.from({ length: Math.ceil(SEEDS / SEEDS_AT_ONCE) }, (_, i) => FIRST_SEED + i * SEEDS_AT_ONCE);

  it.each(parts)('keeps every promise, seeds from %i on', (first) => {
    for (let seed = first; seed < Math.min(first + SEEDS_AT_ONCE, FIRST_SEED + SEEDS); seed++) run(seed);
  });

  it('replays a seed exactly', () => {
    expect(run(FIRST_SEED)).toBe(run(FIRST_SEED));
  });

  it('has exercised everything that it claims to', () => {
    if (process.env['SIM_SEEDS']) console.log(`${SEEDS} seeds: ${exercised.toString()}`);
    expect(exercised.missing).toEqual([]);
  });
});
