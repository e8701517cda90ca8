/** A value to be kept under a key; without a value, nothing is to be kept there. */
export interface SlotWrite {
  key: string;
  value?: Uint8Array;
}

/**
 * What a data server keeps of its slots. Writes take effect in the order in which they are asked for, and one that has
 * resolved survives every crash of the process and of the machine.
 */
export interface SlotStore {
  /** Made once, with the store, and lost with it: where it is the same, so is all that was ever written. */
  readonly diskId: string;
  /** All there is, in no order. */
  load(): AsyncIterable<[key: string, value: Uint8Array]>;
  /** Rejects with STORE_FAILED: then nothing of it need be kept, and a later write may work again. */
  write(writes: SlotWrite[]): Promise<void>;
  close(): Promise<void>;
}
