import { type DataInfoId, parseDataInfoId } from './names.js';

/**
 * The registerId of a leased publication carries what finds its slot, so that any session server can renew or delete
 * it: `L.<base64url of the UTF-8 dataInfoId>.<the caller's own id>`. The first two parts are URL-safe; the last is so
 * only if the caller's own id is, hence URLs carry it percent-encoded.
 */
export function leasedRegisterId(dataInfoId: DataInfoId, ownId: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(dataInfoId)) binary += String.fromCharCode(byte);
  const encoded = btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `L.${encoded}.${ownId}`;
}

const CANONICAL = /^L\.([A-Za-z0-9_-]+)\.(.+)$/;

/** The parts of a canonical registerId, or undefined when `registerId` is not one. */
export function parseLeasedRegisterId(registerId: string): { dataInfoId: DataInfoId; ownId: string } | undefined {
  const match = CANONICAL.exec(registerId);
  if (!match) return undefined;
  const [, encoded, ownId] = match as unknown as [string, string, string];
  let dataInfoId: string;
  try {
    const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    dataInfoId = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  // Base64 has several spellings of the same bytes; only the one we write is canonical, so that an id has one owner.
  if (!parseDataInfoId(dataInfoId) || leasedRegisterId(dataInfoId, ownId) !== registerId) return undefined;
  return { dataInfoId, ownId };
}
