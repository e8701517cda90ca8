import { type Operation, type Stamp, formatVersion } from '#model';
import type { DatumFrame, PushFrame, SessionEffect } from './contract.js';

export function stampIn(operation: Operation): Stamp | null {
  return operation.op === 'publish' ? operation.publication.stamp : operation.stamp;
}

export function operationLine(operation: Operation): string {
  const stamp = stampIn(operation);
  const at = stamp ? `@${stamp[1]}` : '@leader';
  if (operation.op === 'unpublish') return `-${ownId(operation.registerId)}${at}(${operation.cause})`;
  return `+${ownId(operation.publication.registerId)}${at}`;
}

export function ownId(registerId: string): string {
  return registerId.split('.').at(-1)!;
}

export function replyLine(reply: Extract<SessionEffect, { type: 'reply' }>['reply']): string {
  switch (reply.kind) {
    case 'applied':
      return reply.results
        .map((result) => {
          if (result.status === 'stored') return `stored ${result.registerId} ${formatVersion(result.version)}`;
          if (result.status === 'accepted') return `accepted ${result.registerId}`;
          const held = result.failure.details?.['held'] as Stamp | undefined;
          return `${result.failure.code} ${result.registerId}${held ? ` below ${held[1]}` : ''}`;
        })
        .join(', ');
    case 'leased':
      return `leased ${ownId(reply.registerId)} ${formatVersion(reply.version)}`;
    case 'persisted':
      return `persisted ${ownId(reply.registerId)} ${formatVersion(reply.version)}`;
    case 'announced':
      return `announced ${reply.registerId}`;
    case 'renewed':
      return `renewed ${reply.expiresInMs}`;
    case 'datum':
      return frameLine(reply.frame);
    case 'keys':
      return reply.reply.ok ? 'answered' : reply.reply.code;
    case 'done':
      return 'done';
  }
}

export function frameLine(frame: PushFrame | DatumFrame): string {
  if (frame.type === 'pending') return 'pending';
  const version = formatVersion(frame.version);
  if (frame.type === 'unchanged') return `unchanged ${version}`;
  const publications = frame.publications.map(
    (publication) => `${ownId(publication.registerId)}=${publication.body[0]}`,
  );
  const removed = 'removed' in frame ? frame.removed.map((registerId) => `-${registerId}`) : [];
  const temporary = frame.temporary?.map(({ registerId }) => `~${registerId}`) ?? [];
  const versions = 'from' in frame && frame.from ? `${formatVersion(frame.from)}..${version}` : version;
  return [frame.type, versions, ...publications, ...removed, ...temporary].join(' ');
}
