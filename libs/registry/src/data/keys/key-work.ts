import type { KeyAsk, KeyResult, KeysFromData, KeysToData, LinkId } from '#model';
import type { SlotLeader } from '../slot-leader.js';
import type { KeyIndex } from './key-index.js';

/** What is asked, and by whom. It waits until all its slots may be touched. */
export interface KeyWork {
  link: LinkId;
  incarnation: string;
  message: KeysToData;
  /** Undefined once it is answered. */
  send: ((message: KeysFromData) => void) | undefined;
  /** It was on its way to disks, and is not waited for any more. */
  ended?: () => void;
}

/** A slot that is led here. */
export interface LedKeys {
  leader: SlotLeader;
  index: KeyIndex;
}

export type AskOf<Op extends KeyAsk['op']> = Extract<KeyAsk, { op: Op }>;

export function failed(code: string): KeyResult {
  return { op: 'failed', code };
}
