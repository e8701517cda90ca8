import type { ContentHash, DataInfoId, Publication } from '#model';
import { addExactly, formatHash } from '../content-hash.js';
import { NamesOff } from '../names-off.js';
import type { Datum } from './datum.js';
import type { KeptPublication } from './memory/kept-publication.js';

/**
 * What operators have switched off by name is held, replicated and kept alive as ever, and told to no session server. The
 * leader of the slot decides that, and gives the datum another version when it changes: so one version has one content
 * (invariant 4) whoever keeps the publication, and to bring it back nobody is needed. All leaders of a server share this.
 */
export interface Hidden {
  names: NamesOff;
}

export const NOTHING_HIDDEN: Hidden = { names: new NamesOff({ publicationsOff: [], blacklist: [] }) };

export function shown(publications: Publication[], { names }: Hidden): Publication[] {
  return publications.filter((publication) => !names.isHidden(publication));
}

export function hashOf(publications: Iterable<Publication>): ContentHash {
  const sum = { high: 0, low: 0 };
  for (const publication of publications) addExactly(publication, 1, sum);
  return formatHash(sum);
}

/** What is hidden from now on and was not before, or the other way round. */
export function* switchedIn(
  datums: ReadonlyMap<DataInfoId, Datum>,
  before: NamesOff,
  { names }: Hidden,
): Generator<{ datum: Datum; publication: KeptPublication; isHidden: boolean }> {
  const [was, is] = [before.named(), names.named()];
  for (const dataInfoId of was && is ? new Set([...was, ...is]) : datums.keys()) {
    const datum = datums.get(dataInfoId);
    if (!datum || !(before.concerns(dataInfoId) || names.concerns(dataInfoId))) continue;
    for (const publication of datum.publications.values()) {
      const isHidden = names.isHidden(publication);
      if (isHidden !== before.isHidden(publication)) yield { datum, publication, isHidden };
    }
  }
}
