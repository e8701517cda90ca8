import { groupSimulation } from '../raft/simulation.js';
import { registrySimulation } from '../random-faults.js';
import type { Simulation } from '../simulation.js';

export const SIMULATIONS: readonly Simulation[] = [groupSimulation, registrySimulation];

export function simulationOf(name: string): Simulation {
  const simulation = SIMULATIONS.find((each) => each.name === name);
  if (!simulation) throw new Error(`There is no simulation ${name}.`);
  return simulation;
}
