import { runKeys } from './random-keys.js';

const FROM = Number(process.env['KEY_SEED'] ?? 1);
const SEEDS = Number(process.env['KEY_SEEDS'] ?? 3);

/** What the seeds must come across together to mean anything. */
const EXERCISES = [
  ...['put', 'deleteRange', 'swapped', 'not swapped', 'read what was known', 'told of a put', 'told of a delete'],
  ...['watch held to the end', 'put with a lease', 'lease let go', 'data server killed', 'session server killed'],
];

describe('the keyspace while servers die', () => {
  it('never goes back, reads what was acknowledged, ends what leases end, and tells watches everything once', () => {
    const counts: Record<string, number> = {};
    for (let seed = FROM; seed < FROM + SEEDS; seed++)
      for (const [what, times] of Object.entries(runKeys(seed))) counts[what] = (counts[what] ?? 0) + times;
    if (process.env['KEY_SEEDS']) console.log(JSON.stringify(counts));
    expect(EXERCISES.filter((what) => !counts[what])).toEqual([]);
  }, 300_000);
});
