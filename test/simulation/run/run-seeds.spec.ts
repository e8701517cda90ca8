import { setTimeout } from 'node:timers/promises';
import type { Simulation } from '../simulation.js';
import { type Output, Progress } from './progress.js';
import { type Lane, attempt, runSeeds } from './run-seeds.js';
import { parseSettings } from './settings.js';

/** Comes across a fish in every second seed, and fails where it is told to. */
function simulation(fails: (seed: number) => boolean = () => false, exercises = ['fish']): Simulation {
  return {
    name: 'pond',
    exercises,
    headline: ['fish'],
    enoughSeeds: 4,
    run: (seed) => {
      if (fails(seed)) throw new Error(`the water of ${seed} is gone`);
      return { fingerprint: `${seed}`, exercised: { fish: seed % 2 } };
    },
  };
}

const lane =
  (of: Simulation): Lane =>
  (seed) =>
    Promise.resolve(attempt(of, seed));

/** On a clock that goes on by so much with every look. */
function paper(stepMs = 1_000, isTerminal = false): { progress: Progress; text: () => string } {
  let text = '';
  let nowMs = 0;
  const output: Output = { isTerminal, write: (more) => void (text += more) };
  return { progress: new Progress(output, () => (nowMs += stepMs)), text: () => text };
}

describe('a run of many seeds', () => {
  it('runs each seed once, on however many lanes', async () => {
    const seen: number[] = [];
    const pond = simulation();
    const slowly: Lane = async (seed) => {
      await setTimeout(seed % 3);
      seen.push(seed);
      return attempt(pond, seed);
    };
    expect(await runSeeds(pond, { first: 7, count: 20 }, [slowly, slowly, slowly], paper().progress)).toBe(true);
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => 7 + i));
  });

  it('says how far it is, how fast, how long it will take, and what it has come across', async () => {
    const pond = simulation();
    const { progress, text } = paper(6_000);
    await runSeeds(pond, { first: 1, count: 100 }, [lane(pond)], progress);
    const lines = text().trim().split('\n');
    expect(lines[0]).toMatch(/^pond: \d of 100 seeds, 0\.\d\/s, \d+ min \d+ s left, 0 failed; fish \d$/);
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.at(-2)).toMatch(/^pond: 100 seeds in .* min .* s, all well$/);
    expect(lines.at(-1)).toBe('  came across: fish 50');
  });

  it('shows a terminal one line that changes', async () => {
    const pond = simulation();
    const { progress, text } = paper(1_000, true);
    await runSeeds(pond, { first: 1, count: 10 }, [lane(pond)], progress);
    expect(text().trimEnd().split('\n')).toHaveLength(2);
    expect(text().split('\r').length).toBeGreaterThan(10);
  });

  it('tells of a seed that fails, and how to run it again, and goes on', async () => {
    const pond = simulation((seed) => seed === 5);
    const { progress, text } = paper();
    expect(await runSeeds(pond, { first: 1, count: 10 }, [lane(pond)], progress)).toBe(false);
    expect(text()).toContain('seed 5 of the pond failed: the water of 5 is gone');
    expect(text()).toContain('again: npm run sim -- --pond --seed 5 --seeds 1 --trace .');
    expect(text()).not.toContain('another way');
    expect(text()).toMatch(/pond: 10 seeds in .*, 1 failed/);
  });

  it('notices that a seed does not go the same way twice', async () => {
    let runs = 0;
    const pond = simulation((seed) => seed === 2 && ++runs === 1);
    const { progress, text } = paper();
    await runSeeds(pond, { first: 1, count: 3 }, [lane(pond)], progress);
    expect(text()).toContain('Run again it went another way');
  });

  it('gives up when everything fails', async () => {
    const pond = simulation(() => true);
    const { progress, text } = paper();
    expect(await runSeeds(pond, { first: 1, count: 1_000 }, [lane(pond)], progress)).toBe(false);
    expect(text()).toMatch(/10 failed\nGiven up after 10 seeds that failed\./);
  });

  it.each([
    [4, false],
    [3, true],
  ])('of %i seeds that has never come across something is well: %s', async (count, isWell) => {
    const pond = simulation(undefined, ['fish', 'frog']);
    const { progress, text } = paper();
    expect(await runSeeds(pond, { first: 1, count }, [lane(pond)], progress)).toBe(isWell);
    expect(text().includes('never came across what it is there for: frog')).toBe(!isWell);
  });

  it('ends when it is stopped, which is no success', async () => {
    const pond = simulation();
    const { progress, text } = paper();
    const interrupted: Lane = (seed) => {
      progress.stopped ||= seed === 3;
      return lane(pond)(seed);
    };
    expect(await runSeeds(pond, { first: 1, count: 100 }, [interrupted], progress)).toBe(false);
    expect(text()).toContain('pond: 3 seeds in');
  });
});

describe('the settings of a run', () => {
  it('mean both simulations, unless one is named', () => {
    const names = (...args: string[]): string[] | undefined =>
      parseSettings(args, 2)?.simulations.map(({ name }) => name);
    expect([names(), names('--group'), names('--registry'), names('--help')]).toEqual([
      ['group', 'registry'],
      ['group'],
      ['registry'],
      undefined,
    ]);
    expect(parseSettings(['--seeds', '3', '--seed', '9'], 8)).toMatchObject({
      seeds: { first: 9, count: 3 },
      workers: 3,
    });
  });

  it.each([
    [['--seeds', '0'], /--seeds must be/],
    [['--seed', 'x'], /--seed must be/],
    [['--workers', '1.5'], /--workers must be/],
    [['--trace', '.'], /--seeds 1/],
    [['--trace', '.', '--seeds', '1'], /--group or --registry/],
    [['--trace', '(', '--seeds', '1', '--group'], /regular expression/i],
    [['--nonsense'], /nonsense/],
  ])('are refused when they make no sense: %j', (args, why) => {
    expect(() => parseSettings(args, 2)).toThrow(why);
  });
});
