import type { ServerRole } from '../table.js';

/**
 * Servers talk over links: one ordered, two-way stream of messages per TCP connection, opened by a hello exchange. A
 * link that breaks says nothing about the peer's life. Requests are correlated by the cores themselves; nothing is
 * resent by the link.
 */
export const PROTOCOL_VERSION = 1;

/** The first thing each side of a link says. Unknown fields are ignored, so that versions can roll. */
export interface PeerHello {
  protocol: number;
  role: ServerRole;
  /** Undefined as long as the peer has not joined any cluster. */
  clusterId?: string;
  incarnation: string;
  /** Of the code, as `VERSION`. Undefined where it is older than that it is told. */
  version?: string;
  /** Between meta servers: which life of their group the sender is in. Undefined while it knows nothing of a group. */
  era?: number;
  /** Between meta servers: the highest feature level that the sender supports; the first when left out. */
  featureLevel?: number;
}

/** A number the host gives to a link; never reused within a process. */
export type LinkId = number;

export type DialFailure = 'refused' | 'unreachable' | 'rejected';

export type LinkEvent<Received> =
  /** `address` is the one dialled, or the remote end's for an inbound link. */
  | { type: 'linkUp'; link: LinkId; direction: 'in' | 'out'; address: string; hello: PeerHello }
  | { type: 'linkDown'; link: LinkId }
  /**
   * A dial ended without a link. `refused`: nobody listens there. `rejected`: the peer answered and said no, with `code`.
   * `unreachable`: no answer came in time, or the connection broke; it says nothing about the peer's life.
   */
  | { type: 'dialFailed'; address: string; reason: DialFailure; message: string; code?: string }
  | { type: 'received'; link: LinkId; message: Received };

export type LinkEffect<Sent> =
  /** Ends in exactly one `linkUp` (direction out) or `dialFailed`. */
  | { type: 'dial'; address: string }
  /** Closes the link; a `linkDown` follows if the link was up. */
  | { type: 'hangUp'; link: LinkId; reason: string }
  | { type: 'send'; link: LinkId; message: Sent };
