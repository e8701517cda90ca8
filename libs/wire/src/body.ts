import type { PublicationContent } from '#model';
import { pack } from './encoder.js';
import { unpack } from './decoder.js';

/** The body of a publication, in memory of its own: `pack` hands out views on a larger buffer. */
export function encodeBody(content: PublicationContent): Uint8Array {
  return Uint8Array.from(pack(content));
}

/**
 * What a body says. Bodies are kept and relayed as they came, so this never throws: what cannot be read counts as a
 * publication without data. Fields that this version does not know stay.
 */
export function decodeBody(body: Uint8Array): PublicationContent {
  let content: unknown;
  try {
    content = unpack(body);
  } catch {
    return { data: [] };
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return { data: [] };
  const decoded = content as PublicationContent;
  const data: unknown = decoded.data;
  decoded.data = Array.isArray(data) ? data.filter((item): item is string => typeof item === 'string') : [];
  return decoded;
}
