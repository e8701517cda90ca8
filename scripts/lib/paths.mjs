import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

/** The top folder of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** The path of something in the checkout. */
export const at = (...parts) => join(ROOT, ...parts);
