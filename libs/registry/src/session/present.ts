import {
  type ClientResult,
  type DatumView,
  type Publication,
  type PublicationContent,
  type PublisherView,
  type Push,
  formatVersion,
} from '#model';
import { type HashSum, formatHash } from '../content-hash.js';
import type { DatumFrame, PushFrame, SessionReply, SessionResult } from './contract.js';

/** The reverse of what the edge did to the content of a publication. */
export type DecodeBody = (body: Uint8Array) => PublicationContent;

/**
 * What the session core answers, in the natural form that clients read (see `messages/client.ts`). The counterpart of
 * the parsing at the edge, shared by every host of the core.
 */
export function presentReply(reply: SessionReply, single: boolean, decodeBody: DecodeBody): object {
  switch (reply.kind) {
    case 'applied': {
      const results = reply.results.map(presentResult);
      return single ? results[0]! : { results };
    }
    case 'datum':
      return presentDatum(reply.frame, decodeBody);
    case 'leased':
      return {
        registerId: reply.registerId,
        version: formatVersion(reply.version),
        leaseMs: reply.leaseMs,
        ...traceOf(reply),
      };
    case 'persisted':
      return {
        registerId: reply.registerId,
        version: formatVersion(reply.version),
        persistent: true,
        ...traceOf(reply),
      };
    case 'announced':
      return { status: 'announced', registerId: reply.registerId, dataInfoId: reply.dataInfoId };
    case 'renewed':
      return { expiresInMs: reply.expiresInMs };
    case 'keys':
    case 'done':
      return {};
  }
}

function traceOf({ traceId }: { traceId?: string }): { traceId?: string } {
  return traceId === undefined ? {} : { traceId };
}

export function presentResult(result: SessionResult): ClientResult {
  return result.status === 'stored' ? { ...result, version: formatVersion(result.version) } : result;
}

export function presentDatum(frame: DatumFrame, decodeBody: DecodeBody): DatumView {
  return {
    dataInfoId: frame.dataInfoId,
    clusterId: frame.clusterId,
    version: formatVersion(frame.version),
    ...(frame.type === 'partial' ? { partial: true as const } : {}),
    ...presentLists(frame.publications, frame.temporary, decodeBody),
  };
}

function presentLists(
  publications: readonly Publication[],
  temporary: readonly Publication[] | undefined,
  decodeBody: DecodeBody,
): Pick<DatumView, 'publishers' | 'temporary'> {
  const present = (publication: Publication): PublisherView => presentPublication(publication, decodeBody);
  return { publishers: publications.map(present), ...(temporary ? { temporary: temporary.map(present) } : {}) };
}

export function presentFrame(frame: PushFrame, decodeBody: DecodeBody): Push {
  switch (frame.type) {
    case 'pending':
      return { type: 'pending', dataInfoId: frame.dataInfoId };
    case 'unchanged':
      return { ...frame, version: formatVersion(frame.version) };
    case 'snapshot': {
      const { publications, hashes, version, temporary, ...rest } = frame;
      const lists = presentLists(publications, temporary, decodeBody);
      return { ...rest, version: formatVersion(version), ...lists, ...presentHashes(hashes) };
    }
    case 'partial': {
      const { publications, hashes, from, version, temporary, ...rest } = frame;
      const versions = { ...(from ? { from: formatVersion(from) } : {}), version: formatVersion(version) };
      return {
        ...{ ...rest, ...versions },
        ...{ ...presentLists(publications, temporary, decodeBody), ...presentHashes(hashes) },
      };
    }
    case 'delta': {
      const { publications, hashes, from, version, temporary, ...rest } = frame;
      return {
        ...{ ...rest, from: formatVersion(from), version: formatVersion(version) },
        ...{ ...presentLists(publications, temporary, decodeBody), hashes: hashes.map(formatHash) },
      };
    }
  }
}

function presentHashes(hashes: readonly HashSum[] | undefined): { hashes?: string[] } {
  return hashes ? { hashes: hashes.map(formatHash) } : {};
}

/** The servers' own fields win over fields of the same name in the content. */
export function presentPublication(publication: Publication, decodeBody: DecodeBody): PublisherView {
  return {
    ...decodeBody(publication.body),
    registerId: publication.registerId,
    zone: publication.zone,
    appName: publication.appName,
    registerTimestamp: publication.registerTimestamp,
  };
}
