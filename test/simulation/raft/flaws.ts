import type { RaftEffect, RaftEvent } from '#consensus';
import type { DiskWrite } from './disk.js';
import type { ListMachine } from './machine.js';
import type { SimNode } from './node.js';

/** The places where a test may break a node on purpose. Without any, the host does what a host must. */
export interface Flaws {
  /** What the core is told instead. */
  event?(node: SimNode, event: RaftEvent): RaftEvent;
  /** After the core was told; `node.status` is still of before. */
  afterStep?(node: SimNode, event: RaftEvent): void;
  /** Says `persisted` before the disk does. */
  persistedEarly?(node: SimNode, effect: RaftEffect & { type: 'persist' }): boolean;
  /** What one write becomes on its way to the disk. */
  writes?(node: SimNode, write: DiskWrite): DiskWrite[];
  /** The writes of one snapshot: its chunks, then the pointer. */
  snapshotWrites?(writes: DiskWrite[]): DiskWrite[];
  decodeSnapshot?(bytes: Uint8Array): ListMachine;
  /** Of which index a snapshot claims to be. */
  snapshotIndex?(node: SimNode): number;
  /** Answers a read without asking the core. */
  readAtOnce?(node: SimNode): boolean;
}
