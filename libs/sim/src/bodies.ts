import type { PublicationContent } from '#model';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bodies in the simulation are JSON, so that a transcript can be read. */
export function encodeBody(content: PublicationContent): Uint8Array {
  return encoder.encode(JSON.stringify(content));
}

export function decodeBody(body: Uint8Array): PublicationContent {
  return JSON.parse(decoder.decode(body)) as PublicationContent;
}
