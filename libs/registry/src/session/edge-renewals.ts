import { type Failure, LIMITS, failure } from '#model';
import { type Parsed, parseLeasedId } from './edge.js';
import { isFields } from './fields.js';

/** Renewals, each of which may be refused by itself. */
export type ParsedRenewals =
  { ok: true; renewals: { registerId: string; parsed: Parsed }[] } | { ok: false; failure: Failure };

/** The body of `PUT /v1/leases`. */
export function parseRenewals(body: unknown): ParsedRenewals {
  const registerIds = isFields(body) ? body['registerIds'] : undefined;
  if (!Array.isArray(registerIds) || !registerIds.every((id): id is string => typeof id === 'string'))
    return refused('registerIds must be a list of strings.');
  if (registerIds.length > LIMITS.operationsPerApply)
    return refused(
      `There are ${registerIds.length} leases; at most ${LIMITS.operationsPerApply} are renewed at a time.`,
    );
  return {
    ok: true,
    renewals: registerIds.map((registerId) => ({ registerId, parsed: parseLeasedId(registerId, 'renew') })),
  };
}

function refused(message: string): ParsedRenewals {
  return { ok: false, failure: failure('BAD_REQUEST', message, { details: { field: 'registerIds' } }) };
}
