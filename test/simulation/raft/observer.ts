import type { Entry, NodeId, RaftEffect, RaftEvent, RaftMessage, RaftStatus } from '#consensus';
import type { DiskWrite, HardState } from './disk.js';
import type { Operation } from './linearizability.js';
import type { Outcome } from './machine.js';
import type { SimNode } from './node.js';

/** Looks on, and throws a `Violation` where a rule is broken; that ends the run. */
export interface GroupObserver {
  /** A node has read its disk and runs. */
  started?(node: SimNode): void;
  /** The core has answered an event; `node.log` and `node.status` are of after it, and no effect is performed yet. */
  stepped?(node: SimNode, event: RaftEvent, effects: readonly RaftEffect[], before: RaftStatus): void;
  /** The node's commit index has reached the entry, for the first time in this life. */
  committed?(node: SimNode, entry: Entry, before: RaftStatus): void;
  /** A write has reached the disk. `before`: what it held of term and vote. */
  written?(node: SimNode, write: DiskWrite, before: HardState): void;
  sent?(node: SimNode, to: NodeId, message: RaftMessage): void;
  /** The state machine has applied the entry. */
  applied?(node: SimNode, entry: Entry, outcome: Outcome): void;
  /** The state machine is what a snapshot says, at a start or an installation. */
  restored?(node: SimNode): void;
  /** A client was answered, and so knows it to be done. */
  answered?(operation: Operation): void;
  invoked?(operation: Operation): void;
}
