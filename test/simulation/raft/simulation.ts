import type { Simulation } from '../simulation.js';
import { EXERCISES } from './exercised.js';
import { runStory } from './story.js';

/** One Raft group under random faults. */
export const groupSimulation: Simulation = {
  name: 'group',
  exercises: EXERCISES,
  headline: [
    ...['elections', 'snapshots installed', 'membership changes', 'crashes inside writes', 'unsynced writes lost'],
  ],
  enoughSeeds: 100,
  run(seed, trace) {
    const { exercised, hash } = runStory(seed, trace ? { trace } : {});
    return { fingerprint: hash, exercised: exercised.counts };
  },
};
