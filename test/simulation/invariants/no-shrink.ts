import {
  type ClientOperation,
  type ClientResult,
  type DataToSession,
  type DatumVersion,
  type Publication,
  type Stamp,
  compareStamps,
  compareVersions,
  parseVersion,
} from '#model';
import {
  type ClientMessage,
  type Cluster,
  type Observer,
  type ServerMessage,
  type SimPublisher,
  Violation,
} from '#sim';
import { datumTold } from './datum-told.js';

/** The shortest time for which any server keeps the publications of a connection it has lost, less what looking costs. */
const GRACE_MS = 3_000 - 250;
const LOOK_EVERY_MS = 50;
/** Within which a session server that was cut off hears that a client has been switched on, or is given up. */
const SWITCHED_MS = 60_000;

/**
 * A subscriber's list never loses a publisher that is live, because of whatever dies among the servers. The only ways
 * out are its own: it is unpublished, its client is gone, or its client had no sound connection for as long as the
 * grace. A publication is covered while its client has a sound connection over which it was stored, and for the grace
 * after that; losing it from any list shown while it is covered breaks invariant 3.
 *
 * Of clients with stamps only: who keeps none, or holds a lease, may be shadowed for a moment by an older word that
 * comes late through another session server; that such a thing heals is for convergence to demand.
 */
export function noShrink(cluster: Cluster): Observer {
  const coveredUntilMs = new Map<string, number>();
  /** The connection over which each registration was last answered `stored`. */
  const storedOver = new Map<string, number>();
  const publishers = new Map<string, SimPublisher>();
  /** The newest stamp that any client has given each registration, and over which connection. */
  const newest = new Map<string, { stamp: Stamp; connection: number }>();
  const lists = new Map<object, Set<string>>();
  /** The newest stamp of each registration that a leader has told of, and the version at which it first did. */
  const told = new Map<string, { stamp: Stamp; version: DatumVersion }>();

  const noteTold = ({ registerId, stamp }: Publication, version: DatumVersion): void => {
    const last = told.get(registerId);
    if (!last || compareStamps(stamp, last.stamp) > 0) told.set(registerId, { stamp, version });
  };

  /** When clients were last seen to be switched off by operators: it is their word that takes what these publish. */
  const offAtMs = new Map<string, number>();

  /** Session incarnations that meta has let go: they may not have heard of it. */
  const departed = new Set<string>();

  const look = (): void => {
    for (const { incarnation } of cluster.meta.state.table.departed) departed.add(incarnation);
    for (const address of cluster.meta.state.switches.switches.clientsOff) offAtMs.set(address, cluster.nowMs);
    for (const client of cluster.clients) {
      if (client.dead || client.closed) continue;
      const connected = client.connectedTo();
      const sound = connected !== undefined && isSound(cluster, client.name, connected.host, departed);
      for (const publisher of client.publishers) {
        const { registerId } = publisher;
        // An application that is started again publishes under the same names: what went before covers it not.
        if (publishers.get(registerId) !== publisher) coveredUntilMs.delete(registerId);
        publishers.set(registerId, publisher);
        if (!sound || !client.running || storedOver.get(registerId) !== connected.connection) continue;
        // Who publishes anew under an old name and is older, by a clock set back, may be shadowed until it is told.
        if (newest.get(registerId)?.connection !== connected.connection) continue;
        coveredUntilMs.set(registerId, cluster.nowMs + GRACE_MS);
      }
    }
    cluster.world.at(cluster.nowMs + LOOK_EVERY_MS, look);
  };
  cluster.world.at(0, look);

  return {
    transit: ({ from, connection, message }) => {
      const news = message as DataToSession;
      const datum = datumTold(cluster, from, message);
      for (const each of datum?.publications ?? []) noteTold(each, datum!.version);
      if (news.kind === 'change') for (const each of news.upserts) noteTold(each, news.to);
      const asked = message as ClientMessage;
      if (asked.pattern === 'registry.apply')
        for (const { registerId, stamp } of (asked.payload as { operations: ClientOperation[] }).operations) {
          const last = newest.get(registerId!);
          if (stamp && (!last || compareStamps(stamp, last.stamp) > 0)) newest.set(registerId!, { stamp, connection });
        }
      const answer = message as ServerMessage;
      if (answer.type !== 'response') return;
      const { results } = answer.response as { results?: ClientResult[] };
      for (const result of results ?? [answer.response as ClientResult])
        if (result.status === 'stored') storedOver.set(result.registerId, connection);
    },
    shown: (subscriber, snapshot) => {
      const before = lists.get(subscriber);
      const after = new Set(snapshot.publishers.map((each) => each.registerId));
      lists.set(subscriber, after);
      for (const registerId of before ?? []) {
        if (after.has(registerId)) continue;
        const publisher = publishers.get(registerId);
        const untilMs = coveredUntilMs.get(registerId) ?? 0;
        if (!publisher || !cluster.isVisible(publisher) || untilMs <= cluster.nowMs) continue;
        if (cluster.nowMs - (offAtMs.get(publisher.client.name) ?? -Infinity) < SWITCHED_MS) continue;
        // An application that is started again elsewhere leaves the lists of the zone in which it was.
        if (subscriber.scope === 'zone' && publisher.zone !== subscriber.zone) continue;
        // A list that was made before it was stored need not have it.
        if (isOlder(snapshot.version, told.get(registerId)?.version)) continue;
        const where = `the list of ${subscriber.client.name} on ${subscriber.dataInfoId} at ${snapshot.version}`;
        throw new Violation('invariant 3', `${where} lost ${registerId}, which is live and covered`);
      }
    },
  };
}

function isOlder(text: string | undefined, than: DatumVersion | undefined): boolean {
  const version = parseVersion(text ?? '');
  return version !== undefined && than !== undefined && compareVersions(version, than) < 0;
}

/**
 * Whether the session server can do its part: it runs, hears its client, and is cut from no other server. One that was given up
 * while it was cut, and has had no meta server since to tell it, goes on with the leaders that it knew; what those have is
 * not the slot's, which others lead.
 */
function isSound(cluster: Cluster, client: string, session: string, departed: ReadonlySet<string>): boolean {
  const { network } = cluster.world;
  const cut = (other: string): boolean => network.isCut(session, other) || network.isCut(other, session);
  const host = cluster.sessions.find((each) => each.name === session);
  return (
    host !== undefined &&
    host.running &&
    !departed.has(host.incarnation) &&
    !cut(client) &&
    ![...cluster.metas, ...cluster.data].some((each) => cut(each.name))
  );
}
