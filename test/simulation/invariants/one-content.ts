import {
  type DataToSession,
  type DatumVersion,
  type Publication,
  type Push,
  type SubscribeFields,
  formatVersion,
} from '#model';
import { type ClientMessage, type Observer, type ServerMessage, Violation, decodeBody } from '#sim';

type Content = Map<string, string>;

/**
 * Invariant 4: within one clusterId, one complete datum version has one content. Checked on every complete answer of a
 * data server, on the result of every change whose base was seen, and on every complete list pushed to a client.
 */
export function oneContent(): Observer {
  const datums = new Map<string, Content>();
  const views = new Map<string, { content: string; by: string }>();
  /** What the streams of each connection let through. */
  const filters = new Map<string, string>();

  const record = (key: string, content: Content, by: string): void => {
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
      if (answer.kind === 'datum' && answer.complete)
        record(keyOf(answer.dataInfoId, answer.version), contentOf(answer.publications), from);
      else if (answer.kind === 'change' && answer.complete) {
        const base = datums.get(keyOf(answer.dataInfoId, answer.from));
        if (!base) return;
        const result = new Map(base);
        for (const [registerId, line] of contentOf(answer.upserts)) result.set(registerId, line);
        for (const { registerId } of answer.removals) result.delete(registerId);
        record(keyOf(answer.dataInfoId, answer.to), result, from);
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
