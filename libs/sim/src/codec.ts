import type { Codec } from '#consensus';
import { copyMessage } from './copy.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What meta replicates, as JSON, so that it really becomes bytes; what JSON would lose is refused. */
export const simCodec: Codec = {
  encode: (value) => encoder.encode(JSON.stringify(copyMessage(value), refuseBytes)),
  decode: (bytes) => JSON.parse(decoder.decode(bytes)) as unknown,
};

function refuseBytes(key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) throw new Error(`The simulation cannot replicate the bytes of "${key}".`);
  return value;
}
