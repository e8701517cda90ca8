import { type DataInfoId, parseDataInfoId } from './names.js';

/**
 * The registerId of a leased publication carries what finds its slot, so that any session server can renew or delete
 * it: `L.<base64url of the UTF-8 dataInfoId>.<the caller's own id>`. The first two parts are URL-safe; the last is so
 * only if the caller's own id is, hence URLs carry it percent-encoded.
 */
export function leasedRegisterId(dataInfoId: DataInfoId, ownId: string): string {
  return canonicalId('L', dataInfoId, ownId);
}

/** The same of a persistent publication, with `P.`: by it servers know which removals must be durable. */
export function persistentRegisterId(dataInfoId: DataInfoId, ownId: string): string {
  return canonicalId('P', dataInfoId, ownId);
}

function canonicalId(kind: 'L' | 'P', dataInfoId: DataInfoId, ownId: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(dataInfoId)) binary += String.fromCharCode(byte);
  const encoded = btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `${kind}.${encoded}.${ownId}`;
}

const CANONICAL = /^([LP])\.([A-Za-z0-9_-]+)\.(.+)$/s;

/** What a canonical registerId says. */
interface CanonicalId {
  dataInfoId: DataInfoId;
  ownId: string;
}

/** The parts of a canonical registerId, or undefined when `registerId` is not one of a leased publication. */
export function parseLeasedRegisterId(registerId: string): CanonicalId | undefined {
  return parseCanonicalId('L', registerId);
}

export function parsePersistentRegisterId(registerId: string): CanonicalId | undefined {
  return parseCanonicalId('P', registerId);
}

function parseCanonicalId(kind: 'L' | 'P', registerId: string): CanonicalId | undefined {
  const match = CANONICAL.exec(registerId);
  if (!match || match[1] !== kind) return undefined;
  const [, , encoded, ownId] = match as unknown as [string, string, string, string];
  let dataInfoId: string;
  try {
    const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    dataInfoId = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  // Base64 has several spellings of the same bytes; only the one we write is canonical, so that an id has one owner.
  if (!parseDataInfoId(dataInfoId) || canonicalId(kind, dataInfoId, ownId) !== registerId) return undefined;
  return { dataInfoId, ownId };
}
