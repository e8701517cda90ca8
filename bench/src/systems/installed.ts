import { existsSync } from 'node:fs';
import type { System } from './system.js';

/** Those that can be measured here; of the others, why not, and what would change that. */
export function installed(systems: readonly System[]): { present: System[]; skipped: Record<string, string> } {
  const skipped: Record<string, string> = {};
  const present = systems.filter(({ name, needs }) => {
    const lacking = needs?.files.filter((file) => !existsSync(file)) ?? [];
    if (lacking.length === 0) return true;
    skipped[name] = `${lacking.join(' and ')} not found; ${needs!.install}`;
    return false;
  });
  return { present, skipped };
}
