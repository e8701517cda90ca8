import type { ListChanges, SubscriberSnapshot } from '#registry';
import type { SimSubscriber } from './application.js';
import type { Transit } from './network.js';
import type { Life } from './server-host.js';

/**
 * Looks on. An observer that finds a rule broken throws a {@link Violation}: the run ends there, with the transcript
 * of what led to it.
 */
export interface Observer {
  /** A process begins, ends, stops or goes on; told just before. */
  life?(node: string, change: Life): void;
  /** An event about to be given to a node's core. */
  event?(node: string, event: { type: string }): void;
  /** An effect of a node's core, about to be performed. */
  effect?(node: string, effect: { type: string }): void;
  /** A message handed to the network. */
  transit?(message: Transit): void;
  /** A list handed to an application, and what of it is said to be new. */
  shown?(subscriber: SimSubscriber, snapshot: SubscriberSnapshot, changes: ListChanges): void;
}

export class Violation extends Error {
  constructor(
    readonly rule: string,
    message: string,
  ) {
    super(`${rule}: ${message}`);
    this.name = 'Violation';
  }
}
