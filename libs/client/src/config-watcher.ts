import type { ConfigSnapshot } from '#registry';
import { Observed, type ObservedEvents } from './observed.js';

export type ConfigWatcherEvents = ObservedEvents<ConfigSnapshot> & Record<never, never>;

/**
 * A configuration value and what becomes of it. While its `state` is `pending`, nobody has told; once it is `current`, a
 * `value` that is left out means that there is none. Each change comes once, in the order of versions.
 */
export class ConfigWatcher extends Observed<ConfigSnapshot, ConfigWatcherEvents> {
  protected isTelling({ state }: ConfigSnapshot): boolean {
    return state === 'current';
  }
}
