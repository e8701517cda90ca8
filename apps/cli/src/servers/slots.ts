import type { Members, Slot, Slots } from './answers.js';

/** What is wrong with a slot, if anything: whether somebody is served, and whether a server may die. */
export type SlotState = 'ok' | 'no leader' | 'under-replicated' | 'moving';

/** Where the server that is asked does not tell how many replicas there are to be. */
const USUAL_REPLICAS = 2;

export function slotState({ leader, followers, joining }: Slot, { replicas = USUAL_REPLICAS }: Slots): SlotState {
  if (!leader?.address) return 'no leader';
  const live = followers.filter(({ address }) => address !== null).length;
  if (live + 1 < replicas) return 'under-replicated';
  return joining.length > 0 ? 'moving' : 'ok';
}

export function countStates(slots: Slots): Record<SlotState, number> {
  const counts = { ok: 0, 'no leader': 0, 'under-replicated': 0, moving: 0 };
  for (const slot of slots.slots) counts[slotState(slot, slots)]++;
  return counts;
}

/** A member by any of its names: address over RPC or HTTP, or incarnation, of which the beginning will do. */
export function findMember({ members }: Members, name: string): Members['members'][number] | undefined {
  const exact = members.find(({ address, httpAddress }) => address === name || httpAddress === name);
  if (exact) return exact;
  const named = members.filter(({ incarnation }) => incarnation.startsWith(name));
  return named.length === 1 ? named[0] : undefined;
}
