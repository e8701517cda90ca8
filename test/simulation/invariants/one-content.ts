import {
  type DataToSession,
  type DatumVersion,
  type Publication,
  type PublisherView,
  type Push,
  type Scope,
  type SubscribeFields,
  compareVersions,
  formatVersion,
} from '#model';
import { type ClientMessage, type Cluster, type Observer, type ServerMessage, Violation, decodeBody } from '#sim';
import { datumTold } from './datum-told.js';

type Content = Map<string, string>;

/**
 * Invariant 4: within one clusterId, one complete datum version has one content. Checked on every complete answer of a
 * data server, on the result of every change whose base was seen, on every complete list pushed to a client, on what every
 * delta pushed leads to, and on what applications are shown. A partial answer has no version of its own, so becoming
 * complete takes one.
 */
export function oneContent(cluster: Cluster): Observer {
  const datums = new Map<string, Content>();
  const views = new Map<string, { content: Content; by: string }>();
  /** What was pushed last over each stream, where that is known. */
  const streams = new Map<string, { version: string; content: Content }>();
  /** The highest version of each datum that was told as partial, per leaderEpoch. */
  const partial = new Map<string, DatumVersion>();
  const clusterIds = new Set<string>();
  /** What the streams of each connection let through. */
  const filters = new Map<string, string>();

  const notePartial = (dataInfoId: string, version: DatumVersion): void => {
    const key = `${dataInfoId} ${version.leaderEpoch}`;
    const last = partial.get(key);
    if (!last || compareVersions(version, last) > 0) partial.set(key, version);
  };

  const record = (dataInfoId: string, version: DatumVersion, content: Content, by: string): void => {
    const key = keyOf(dataInfoId, version);
    const last = partial.get(`${dataInfoId} ${version.leaderEpoch}`);
    if (last && compareVersions(version, last) <= 0)
      throw new Violation('invariant 4', `${by} calls ${key} complete, which was partial at ${formatVersion(last)}`);
    const known = datums.get(key);
    if (!known) datums.set(key, content);
    else if (text(known) !== text(content))
      throw new Violation(
        'invariant 4',
        `${by} gives ${key} the content ${text(content)}, before it was ${text(known)}`,
      );
  };

  return {
    transit: ({ from, connection, message }) => {
      const asked = message as ClientMessage;
      if (asked.pattern === 'registry.subscribe') {
        const { subscriptionId, scope, zone } = asked.payload as SubscribeFields;
        filters.set(`${connection} ${subscriptionId}`, filterOf(scope, zone));
      }

      const answer = message as DataToSession;
      const datum = datumTold(cluster, from, message);
      if (datum && !datum.complete) notePartial(datum.dataInfoId, datum.version);
      else if (answer.kind === 'change' && !answer.complete) notePartial(answer.dataInfoId, answer.to);
      else if (datum) record(datum.dataInfoId, datum.version, contentOf(datum.publications), from);
      else if (answer.kind === 'change') {
        const base = datums.get(keyOf(answer.dataInfoId, answer.from));
        if (!base) return;
        const result = new Map(base);
        for (const [registerId, line] of contentOf(answer.upserts)) result.set(registerId, line);
        for (const { registerId } of answer.removals) result.delete(registerId);
        record(answer.dataInfoId, answer.to, result, from);
      }

      const item = message as ServerMessage;
      if (item.type === 'push') pushed(from, `${connection} ${item.subscriptionId}`, item.push);
    },
    shown: ({ client, dataInfoId, scope, zone }, { version, state, publishers }) => {
      const known = [...clusterIds].flatMap(
        (clusterId) => views.get(`${clusterId} ${dataInfoId} ${version} ${filterOf(scope, zone)}`) ?? [],
      )[0];
      if (!known || state !== 'current') return;
      const content = text(listOf(publishers));
      if (text(known.content) === content) return;
      const at = `${dataInfoId} ${version}`;
      throw new Violation('invariant 4', `${client.name} is shown ${at} as ${content}, not ${text(known.content)}`);
    },
  };

  function pushed(by: string, stream: string, push: Push): void {
    if (push.type === 'pending' || push.type === 'unchanged') return;
    const { dataInfoId, clusterId, version } = push;
    clusterIds.add(clusterId);
    const keyAt = (at: string): string => `${clusterId} ${dataInfoId} ${at} ${filters.get(stream)}`;
    const from = 'from' in push ? push.from : undefined;
    let content: Content | undefined = listOf(push.publishers);
    if (from !== undefined) {
      const last = streams.get(stream);
      const base = last?.version === from ? last.content : views.get(keyAt(from))?.content;
      if (last && last.version !== from && push.type === 'delta')
        throw new Violation('invariant 5', `${by} pushes a delta from ${keyAt(from)} after ${last.version}`);
      content = base && new Map([...base, ...content]);
      for (const registerId of 'removed' in push ? push.removed : []) content?.delete(registerId);
    }
    if (content && (push.type !== 'partial' || from !== undefined)) streams.set(stream, { version, content });
    else streams.delete(stream);
    if (!content || push.type === 'partial') return;
    const key = keyAt(version);
    const known = views.get(key);
    if (!known) views.set(key, { content, by });
    else if (text(known.content) !== text(content))
      throw new Violation(
        'invariant 4',
        `${key}: ${by} pushes ${text(content)} as a ${push.type}, ${known.by} ${text(known.content)}`,
      );
  }
}

function filterOf(scope: Scope | undefined, zone: string | undefined): string {
  return scope === 'zone' ? `in ${zone}` : 'everywhere';
}

function listOf(publishers: readonly PublisherView[]): Content {
  return new Map(publishers.map(({ registerId, zone, data }) => [registerId, `${zone} ${JSON.stringify(data)}`]));
}

function keyOf(dataInfoId: string, version: DatumVersion): string {
  return `${dataInfoId} ${formatVersion(version)}`;
}

function contentOf(publications: Publication[]): Content {
  return new Map(
    publications.map(({ registerId, zone, body }) => [registerId, `${zone} ${JSON.stringify(decodeBody(body))}`]),
  );
}

function text(content: Content): string {
  const lines = [...content].map((line) => line.join(' ')).toSorted((a, b) => (a < b ? -1 : 1));
  return `[${lines.join(', ')}]`;
}
