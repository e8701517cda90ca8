import { RegistryError } from '#model';
import type { EdgeContext, Parsed, SessionRequest } from '#registry';
import { encodeBody } from '#wire';

export const EDGE = Symbol('EdgeContext');

/** What validation needs of this host: how bodies are encoded, and ids for those who bring none. */
export function edgeContext(makeRegisterId: () => string): EdgeContext {
  return { encodeBody, makeRegisterId };
}

/** The validated request. @throws RegistryError with the code of what is wrong with it */
export function accepted(parsed: Parsed): { request: SessionRequest; single: boolean } {
  if (parsed.ok) return parsed;
  throw RegistryError.from(parsed.failure);
}
