import type { DataInfoId } from './names.js';
import type { Stamp } from './stamp.js';

/**
 * Who keeps a publication alive. `connected` lives with a client connection of a session server's incarnation,
 * `leased` until its lease ends, `persistent` until a command removes it.
 */
export type Owner =
  | { kind: 'connected'; session: string; connection: number }
  | { kind: 'leased'; leaseMs: number }
  | { kind: 'persistent' };

/** One registration as servers hold and relay it. */
export interface Publication {
  registerId: string;
  dataInfoId: DataInfoId;
  zone: string;
  appName: string;
  /** Wall-clock milliseconds at which the client first registered. For people; nothing compares it. */
  registerTimestamp: number;
  stamp: Stamp;
  owner: Owner;
  /**
   * What the client published, encoded by the edge that took it and opaque to every server behind it, so that a field
   * which a server does not know is never dropped: msgpack of {@link PublicationContent}.
   */
  body: Uint8Array;
}

/** What `Publication.body` decodes to. Fields of newer clients stand beside `data`. */
export interface PublicationContent {
  data: string[];
  [field: string]: unknown;
}

/** Why something disappeared from a view (invariant 3). A missing answer or a broken connection is not a cause. */
export type RemovalCause = 'unpublish' | 'goodbye' | 'grace-expired' | 'unclaimed' | 'lease-ended' | 'operator';

/** A removal, kept as a tombstone. */
export interface Removal {
  registerId: string;
  stamp: Stamp;
  cause: RemovalCause;
}
