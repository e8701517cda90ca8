import { RegistryError } from '#model';
import { type ConfigSources, findSettings } from './load.js';
import type { ConfigProblem } from './problems.js';

/**
 * Everything that is wrong with a file of settings; nothing where servers start with it. The variables of the environment
 * count too, as they would for a server that is started here.
 */
export function checkConfigFile(path: string, sources: Omit<ConfigSources, 'argv'> = {}): ConfigProblem[] {
  try {
    findSettings({ ...sources, argv: [`--config=${path}`] });
    return [];
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'INVALID_CONFIGURATION') throw error;
    return error.details!.problems as ConfigProblem[];
  }
}
