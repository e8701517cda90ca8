import { Exercised } from './exercised.js';
import { runStory } from './story.js';

/** More or other seeds, with progress: node scripts/sim.mjs --group --seeds 10000 --seed 1 */
const FIRST_SEED = Number(process.env['SIM_SEED'] ?? 1);
const SEEDS = Number(process.env['SIM_SEEDS'] ?? 120);
const SEEDS_AT_ONCE = 20;
/** Fewer need not come across everything. */
const ENOUGH_SEEDS = 100;

const ASKED_FOR = process.env['SIM_SEEDS'] !== undefined;

const exercised = new Exercised();
let done = 0;

function run(seed: number): string {
  const story = runStory(seed);
  exercised.add(story.exercised);
  return story.hash;
}

/** Jest tells what failed when all is over, which is long to wait for. */
function tellNow(text: string): void {
  if (ASKED_FOR) process.stderr.write(`${text}\n`);
}

/** What the first seed that fails says. */
function firstFailure(from: number, to: number): string {
  for (let seed = from; seed < to; seed++) {
    try {
      run(seed);
    } catch (error) {
      const { message } = error as Error;
      tellNow(`seed ${seed}: ${message.split('\n')[0]}; again: node scripts/sim.mjs --group --seeds 1 --seed ${seed}`);
      return message;
    }
    if (++done % 500 === 0) tellNow(`${done} of ${SEEDS} seeds`);
  }
  return '';
}

describe('a Raft group under random faults', () => {
  const parts = Array.from({ length: Math.ceil(SEEDS / SEEDS_AT_ONCE) }, (_, i) => FIRST_SEED + i * SEEDS_AT_ONCE);

  it.each(parts)('keeps every promise, seeds from %i on', (first) => {
    expect(firstFailure(first, Math.min(first + SEEDS_AT_ONCE, FIRST_SEED + SEEDS))).toBe('');
  });

  it('replays a seed exactly', () => {
    expect(run(FIRST_SEED)).toBe(run(FIRST_SEED));
  });

  it('has exercised everything that it claims to', () => {
    tellNow(`${SEEDS} seeds: ${exercised.toString()}`);
    expect(SEEDS < ENOUGH_SEEDS ? [] : exercised.missing).toEqual([]);
  });
});
