export { type HostPort, formatAddress, parseAddress, plainAddress } from './address.js';
export { type Config, type ConfigSources, loadConfig } from './load.js';
export type { ConfigProblem } from './problems.js';
