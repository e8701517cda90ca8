import { setTimeout } from 'node:timers/promises';

/** What of a round counts. */
export interface Window {
  warmUpMs: number;
  measuredMs: number;
}

export async function wait(ms: number): Promise<void> {
  await setTimeout(ms);
}
