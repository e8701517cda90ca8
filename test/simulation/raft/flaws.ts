import type { RaftCore, RaftEffect, RaftEvent, RaftOptions, Restored } from '#consensus';
import type { DiskWrite } from './disk.js';
import type { ListMachine } from './machine.js';
import type { SimNode } from './node.js';

/** The places where a test may break a node on purpose. Without any, the host below does what a host must. */
export interface Flaws {
  /** Before the core is told. */
  event?(node: SimNode, event: RaftEvent): RaftEvent;
  /** After the core is told. */
  afterStep?(node: SimNode, event: RaftEvent): void;
  /** Says `persisted` before the disk does. */
  persistedEarly?(node: SimNode, effect: RaftEffect & { type: 'persist' }): boolean;
  /** What one write becomes on its way to the disk. */
  writes?(node: SimNode, write: DiskWrite): DiskWrite[];
  /** The writes of one snapshot: its chunks and the pointer. */
  snapshotWrites?(writes: DiskWrite[]): DiskWrite[];
  decode?(bytes: Uint8Array): ListMachine;
  /** Which index a snapshot claims to be of. */
  snapshotIndex?(machine: ListMachine, index: number): number;
  /** Answers a read without asking the core. */
  readAtOnce?(node: SimNode): boolean;
  restored?(restored: Restored): Restored;
  createCore?(options: RaftOptions): RaftCore;
}
