import { type Push, compareVersions, parseVersion } from '#model';
import type { ClientEffect, ClientEvent } from '#registry';
import { type Observer, type ServerMessage, type SimSubscriber, Violation } from '#sim';

/**
 * Invariant 5: a subscriber's version never decreases within a clusterId, neither in what it is shown nor in what one
 * subscription is pushed over one connection; and it takes a delta only where it holds exactly what that starts from.
 */
export function versionsRise(): Observer {
  const shown = new Map<SimSubscriber, string>();
  const pushed = new Map<string, { clusterId: string; version: string }>();
  /** What each subscriber has taken last, whatever the connection. */
  const held = new Map<string, { clusterId: string; version: string }>();
  /** The push that each client is about to be given. */
  const given = new Map<string, Push>();

  const rises = (before: string | undefined, after: string, where: string): void => {
    const older = before === undefined ? undefined : parseVersion(before);
    const newer = parseVersion(after);
    if (!newer) throw new Violation('invariant 5', `${where} has a version that is none: ${after}`);
    if (older && compareVersions(newer, older) < 0)
      throw new Violation('invariant 5', `${where} went back from ${before} to ${after}`);
  };

  const taken = (client: string, subscriptionId: string, push: Exclude<Push, { type: 'pending' }>): void => {
    const subscriber = subscriberOf(client, subscriptionId);
    const last = held.get(subscriber);
    const { clusterId, version } = push;
    const isSameWorld = last?.clusterId === clusterId;
    if (isSameWorld && compareVersions(parseVersion(version)!, parseVersion(last.version)!) <= 0) return;
    const from = 'from' in push ? push.from : undefined;
    if (from !== undefined && !(isSameWorld && last.version === from))
      throw new Violation('invariant 5', `${client} takes a ${push.type} from ${from} and holds ${last?.version}`);
    held.set(subscriber, { clusterId, version });
  };

  return {
    event: (node, event) => {
      if (event.type === 'push') given.set(node, (event as ClientEvent & { type: 'push' }).push);
    },
    effect: (node, effect) => {
      // What it brings from an earlier life.
      if (effect.type === 'subscribe') {
        const { subscriptionId, base } = (effect as ClientEffect & { type: 'subscribe' }).payload;
        const subscriber = subscriberOf(node, subscriptionId);
        if (base && !held.has(subscriber)) held.set(subscriber, base);
      }
      if (effect.type !== 'ack') return;
      const { subscriptionId, version, refused } = effect as ClientEffect & { type: 'ack' };
      const push = given.get(node);
      if (push && push.type !== 'pending' && push.version === version && !refused) taken(node, subscriptionId, push);
    },
    shown: (subscriber, { version }) => {
      if (version === undefined) return;
      rises(shown.get(subscriber), version, `what ${subscriber.client.name} is shown of ${subscriber.dataInfoId}`);
      shown.set(subscriber, version);
    },
    transit: ({ from, to, connection, message }) => {
      const item = message as ServerMessage;
      if (item.type !== 'push' || item.push.type === 'pending') return;
      const { clusterId, version } = item.push as Exclude<Push, { type: 'pending' }>;
      const key = `${connection} ${item.subscriptionId}`;
      const last = pushed.get(key);
      if (last?.clusterId === clusterId) rises(last.version, version, `what ${from} pushes to ${to}`);
      pushed.set(key, { clusterId, version });
    },
  };
}

/** The streams of one subscriber, on one connection after the other, have ids of the form `subscriber.stream`. */
function subscriberOf(client: string, subscriptionId: string): string {
  return `${client} ${subscriptionId.split('.')[0]}`;
}
