import {
  type DataToSession,
  type DatumVersion,
  type Publication,
  type Push,
  type SubscribeFields,
  compareVersions,
  formatVersion,
} from '#model';
import { type ClientMessage, type Observer, type ServerMessage, Violation, decodeBody } from '#sim';

type Content = Map<string, string>;

/**
 * Invariant 4: within one clusterId, one complete datum version has one content. Checked on every complete answer of a
 * data server, on the result of every change whose base was seen, and on every complete list pushed to a client. A partial
 * answer has no version of its own, so becoming complete takes one.
 */
export function oneContent(): Observer {
  const datums = new Map<string, Content>();
  const views = new Map<string, { content: string; by: string }>();
  /** The highest version of each datum that was told as partial, per leaderEpoch. */
  const partial = new Map<string, DatumVersion>();
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
        filters.set(`${connection} ${subscriptionId}`, scope === 'zone' ? `in ${zone}` : 'everywhere');
      }

      const answer = message as DataToSession;
      if (answer.kind === 'datum' && !answer.complete) notePartial(answer.dataInfoId, answer.version);
      else if (answer.kind === 'change' && !answer.complete) notePartial(answer.dataInfoId, answer.to);
      else if (answer.kind === 'datum') record(answer.dataInfoId, answer.version, contentOf(answer.publications), from);
      else if (answer.kind === 'change') {
        const base = datums.get(keyOf(answer.dataInfoId, answer.from));
        if (!base) return;
        const result = new Map(base);
        for (const [registerId, line] of contentOf(answer.upserts)) result.set(registerId, line);
        for (const { registerId } of answer.removals) result.delete(registerId);
        record(answer.dataInfoId, answer.to, result, from);
      }

      const item = message as ServerMessage;
      if (item.type !== 'push' || item.push.type !== 'snapshot') return;
      const { dataInfoId, clusterId, version, publishers } = item.push as Push & { type: 'snapshot' };
      const filter = filters.get(`${connection} ${item.subscriptionId}`);
      const key = `${clusterId} ${dataInfoId} ${version} ${filter}`;
      const lines = publishers.map((each) => `${each.registerId} ${each.zone} ${JSON.stringify(each.data)}`);
      const content = lines.toSorted((a, b) => (a < b ? -1 : 1)).join(', ');
      const known = views.get(key);
      if (!known) views.set(key, { content, by: from });
      else if (known.content !== content)
        throw new Violation('invariant 4', `${key}: ${from} pushes [${content}], ${known.by} [${known.content}]`);
    },
  };
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
