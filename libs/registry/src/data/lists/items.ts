import type { DatumVersion, Publication, RemovalCause, Stamp } from '#model';

/** What the lists of a data server tell of the slots that it leads, for people. */
export interface DatumItem {
  dataId: string;
  group: string;
  instanceId: string;
  slot: number;
  version: string;
  /** Nobody's publication is missing any more, as far as the leader waits for them. */
  complete: boolean;
  publications: number;
  /** Session servers that have subscribers to it. */
  interested: number;
}

/** One datum, with a page of its publications. */
export interface Contents {
  dataInfoId: string;
  slot: number;
  version: DatumVersion;
  complete: boolean;
  /** In all. */
  count: number;
}

/** `isHidden`: operators have switched it off by its name, so it is in nobody's view. */
export interface ContentItem extends Publication {
  isHidden: boolean;
}

/** A server, by the address that it has, or had when it was last heard of. */
export interface NamedServer {
  incarnation: string;
  address: string | null;
}

/** A disappearance from every view. */
export interface RemovalItem {
  dataId: string;
  group: string;
  instanceId: string;
  slot: number;
  registerId: string;
  /** By the clock on the wall of the server that tells of it. */
  at: string;
  agoMs: number;
  cause: RemovalCause;
  /** The cause in words. */
  why: string;
  /** Who removed it: the session server of a client, the leader of the slot by itself, or an operator. */
  by: NamedServer | 'leader' | 'operator';
  /** What had kept it. */
  kind: 'connected' | 'leased' | 'persistent';
  /** Of a connected one, the session server that its client was connected to, and the number of the connection there. */
  session: NamedServer | null;
  connection: number | null;
  leaseMs: number | null;
  appName: string;
  zone: string;
  stamp: Stamp;
}
