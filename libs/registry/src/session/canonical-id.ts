import {
  type DataInfoId,
  LIMITS,
  leasedRegisterId,
  parseLeasedRegisterId,
  parsePersistentRegisterId,
  persistentRegisterId,
} from '#model';
import { type Fields, isAbsent, readName, refuse } from './fields.js';

/** By the kind of owner: how a caller's own id is made part of the canonical one, and how that is read. */
const CANONICAL = {
  leased: { make: leasedRegisterId, parse: parseLeasedRegisterId },
  persistent: { make: persistentRegisterId, parse: parsePersistentRegisterId },
};

/** A caller's own id is made part of the canonical one; posting the canonical one again names the same publication. */
export function readCanonicalId(
  fields: Fields,
  dataInfoId: DataInfoId,
  kind: keyof typeof CANONICAL,
  makeId: () => string,
): string {
  const { make, parse } = CANONICAL[kind];
  if (isAbsent(fields['registerId'])) return make(dataInfoId, makeId());
  const given = readName(fields, 'registerId', LIMITS.registerIdBytes);
  const canonical = parse(given);
  if (canonical?.dataInfoId === dataInfoId) return given;
  if (canonical) refuse('registerId belongs to a publication of another dataId, group or instanceId.', 'registerId');
  return make(dataInfoId, readName(fields, 'registerId'));
}
