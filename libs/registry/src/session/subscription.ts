import type { DatumVersion, Publication } from '#model';
import type { ConnectionId, SubscriberBase } from './contract.js';
import type { Passage } from './passages.js';
import type { Lane, Peer } from './push-planner.js';
import type { Line } from './traces/trace.js';
import type { View } from './view.js';

/** One subscriber of one connection. */
export interface Subscription {
  /** What has to be known to plan pushes to it; see Recipient. */
  readonly lane: Lane<Subscription>;
  readonly peer: Peer;
  readonly connection: ConnectionId;
  readonly subscriptionId: string;
  readonly view: View;
  /** The one that the client is in, whatever the view shows. */
  readonly zone: string;
  /** What the client had before, under this or another cluster. */
  readonly base: SubscriberBase | undefined;
  readonly wholeOnly: boolean;
  /** It is sent changes where it holds what they start from. */
  takesDeltas: boolean;
  /** Deltas in a row that it could not apply, and whether the last push was one. */
  refusals: number;
  lastIsDelta: boolean;
  /** The type of the last push that carries content. */
  last: 'none' | 'pending' | 'partial' | 'whole';
  lastVersion: DatumVersion | undefined;
  /** The content of the view that it was last sent, or had when it came. */
  serial: number;
  /** What it holds then is exactly that content. */
  isExact: boolean;
  acks: boolean;
  unackedSinceMs: number | undefined;
  /** Of the oldest change that it has been sent and not acknowledged, and when that was sent. */
  passage: Passage | undefined;
  passedAtMs: number;
  /** Changes on their way to it that are traced. */
  traced: Line[] | undefined;
  /** Temporary publications to be told with the next push. Never changed in place, since others may share it. */
  temporary: readonly Publication[];
}
