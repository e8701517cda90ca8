import type { SlotSize } from '#model';

/** What a plan depends on beside the replicated state: how the node is set up, and what a leader alone knows. */
export interface Planning {
  /** Of each slot, its leader included. */
  replicas: number;
  /** Incarnations that are to lead nothing just now. */
  unfit: ReadonlySet<string>;
  /** Whether the node has led for long enough to move slots for balance. */
  isSettled: boolean;
  /** How much there is in a slot, where its leader has said so to this node. */
  sizeOf(slot: number): SlotSize | undefined;
}
