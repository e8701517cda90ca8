export { type HostPort, formatAddress, parseAddress, plainAddress } from './address.js';
export { type Advertised, advertise } from './advertised.js';
export { configurationMarkdown } from './document.js';
export { type Config, type ConfigSources, loadConfig } from './load.js';
export type { ConfigProblem } from './problems.js';
