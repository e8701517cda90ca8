import { type Push, compareVersions, parseVersion } from '#model';
import { type Observer, type ServerMessage, type SimSubscriber, Violation } from '#sim';

/**
 * Invariant 5: a subscriber's version never decreases within a clusterId, neither in what it is shown nor in what one
 * subscription is pushed over one connection.
 */
export function versionsRise(): Observer {
  const shown = new Map<SimSubscriber, string>();
  const pushed = new Map<string, { clusterId: string; version: string }>();

  const rises = (before: string | undefined, after: string, where: string): void => {
    const older = before === undefined ? undefined : parseVersion(before);
    const newer = parseVersion(after);
    if (!newer) throw new Violation('invariant 5', `${where} has a version that is none: ${after}`);
    if (older && compareVersions(newer, older) < 0)
      throw new Violation('invariant 5', `${where} went back from ${before} to ${after}`);
  };

  return {
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
