import { gunzipSync, gzipSync } from 'node:zlib';
import { LIMITS, RegistryError, isPlainObject } from '#model';
import { SharedBody } from './encoder.js';
import { unpack } from './decoder.js';

/** What this end can read, as it says in its hello. */
export const ENCODINGS: string[] = ['gzip'];

/** Lists of addresses shrink to a tenth at the lowest level; the others take several times as long for little more. */
const LEVEL = 1;

/** The same answer, packed and compressed, for whoever has said that it reads that. */
export function compressed({ packed }: SharedBody): SharedBody {
  return SharedBody.of({ encoding: 'gzip', packed: gzipSync(packed, { level: LEVEL }) });
}

/**
 * What a compressed answer says; every other value as it is.
 * @throws RegistryError BAD_FRAME, also where it would be larger than any frame may be
 */
export function expanded(value: unknown): unknown {
  if (!isPlainObject(value) || value['encoding'] !== 'gzip' || !(value['packed'] instanceof Uint8Array)) return value;
  let packed: Uint8Array;
  try {
    packed = gunzipSync(value['packed'], { maxOutputLength: LIMITS.frameBytes });
  } catch (cause) {
    throw new RegistryError('BAD_FRAME', 'A compressed answer cannot be read.', { cause });
  }
  return unpack(packed);
}
