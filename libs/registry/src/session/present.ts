import {
  type ClientResult,
  type DatumView,
  type Publication,
  type PublicationContent,
  type PublisherView,
  type Push,
  formatVersion,
} from '#model';
import { formatHash } from '../content-hash.js';
import type { DatumFrame, PushFrame, SessionReply, SessionResult } from './contract.js';

/** The reverse of what the edge did to the content of a publication, as an object that nobody else has. */
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

/** Without spreading one object into another: most of what is made so for a push would stay among what is old. */
export function presentFrame(frame: PushFrame, decodeBody: DecodeBody): Push {
  const { type, dataInfoId } = frame;
  if (type === 'pending') return { type, dataInfoId };
  const { clusterId } = frame;
  const version = formatVersion(frame.version);
  if (type === 'unchanged') return { type, dataInfoId, clusterId, version, hash: frame.hash };
  const present = (publication: Publication): PublisherView => presentPublication(publication, decodeBody);
  const publishers = frame.publications.map(present);
  const push = presentState(frame, version, publishers);
  if (frame.hashes) push.hashes = frame.hashes.map(formatHash);
  if (frame.temporary) push.temporary = frame.temporary.map(present);
  return push;
}

type StateFrame = Extract<PushFrame, { publications: unknown }>;
type StatePush = Extract<Push, { publishers: unknown }>;

function presentState(frame: StateFrame, version: string, publishers: PublisherView[]): StatePush {
  const { dataInfoId, clusterId } = frame;
  switch (frame.type) {
    case 'snapshot':
      return { type: 'snapshot', dataInfoId, clusterId, version, publishers, hash: frame.hash };
    case 'partial': {
      const { from, removed } = frame;
      const push: StatePush = { type: 'partial', dataInfoId, clusterId, version, publishers, removed };
      if (from) push.from = formatVersion(from);
      return push;
    }
    case 'delta': {
      const { removed, hash } = frame;
      const from = formatVersion(frame.from);
      return { type: 'delta', dataInfoId, clusterId, from, version, publishers, hashes: [], removed, hash };
    }
  }
}

/** The servers' own fields win over fields of the same name in the content. */
export function presentPublication(publication: Publication, decodeBody: DecodeBody): PublisherView {
  const view = decodeBody(publication.body) as PublisherView;
  view.registerId = publication.registerId;
  view.zone = publication.zone;
  view.appName = publication.appName;
  view.registerTimestamp = publication.registerTimestamp;
  return view;
}
