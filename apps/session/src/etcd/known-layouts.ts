import { Layouts } from '#etcd';
import { RegistryError } from '#model';
import type { Logger } from '#nest';

/** Keys of which it has been said that their value is none of its layout. With more, it is said of some again. */
const MAX_SAID = 1_000;

/** @throws RegistryError INVALID_CONFIGURATION */
export function knownLayouts(names: readonly string[], logger: Logger): Layouts {
  const said = new Set<string>();
  try {
    return Layouts.of(names, (key, why) => {
      if (said.has(key)) return;
      if (said.size >= MAX_SAID) said.clear();
      said.add(key);
      logger.warn('etcd-value-malformed', { key, why });
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RegistryError('INVALID_CONFIGURATION', `session.etcd.layouts: ${error.message}.`);
  }
}
