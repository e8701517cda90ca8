import type { OfflineOptions } from '#consensus';
import { type MetaCommand, type MetaResult, type MetaState, metaStateMachine } from '#registry';
import { pack, unpack } from '#wire';

/** What the log of a meta server means, and how: the same wherever it is read. */
export const META_ENGINE: OfflineOptions<MetaCommand, MetaState, MetaResult> = {
  machine: metaStateMachine,
  // The log holds what it decodes.
  codec: { encode: pack, decode: (bytes) => unpack(bytes, 'view') },
};
