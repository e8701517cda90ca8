import type { DataInfoId } from '#model';
import type { Listing } from '../../listing/page.js';
import type { KeptPublication } from '../memory/kept-publication.js';
import type { SlotReplica } from '../slot-replica.js';
import type { ContentItem } from './items.js';

/** The publications of one datum, those that are switched off included. */
export function contentsList(replica: SlotReplica, dataInfoId: DataInfoId): Listing<KeptPublication, ContentItem> {
  const { names } = replica.hidden;
  return {
    parts: [0, 1],
    entries: () => replica.find(dataInfoId)?.publications.values() ?? [],
    matches: () => true,
    placeOf: ({ registerId }) => [0, registerId],
    describe(publication) {
      const isHeld = replica.live(dataInfoId, publication.registerId) === publication;
      return isHeld ? { ...publication.copy(), isHidden: names.isHidden(publication) } : undefined;
    },
  };
}
