import { RegistryError, checkName } from '#model';

/**
 * A caller who got no answer may repeat the request with the same key: the change is made once, and the second answer is
 * the first one. A key is for one change.
 */
export const IDEMPOTENCY_KEY = 'idempotency-key';

/** @throws RegistryError INVALID_NAME */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const problem = checkName('Idempotency-Key', header);
  if (problem) throw RegistryError.from(problem);
  return header;
}
