import type { MetaCommand, MetaEvent, MetaResult, MetaState } from './contract.js';
import { type MetaStateMachine, metaStateMachine } from './state.js';

/** What a host tells the core of the consensus engine: these say what is made of what the engine tells the host. */
type EventOf<Type extends MetaEvent['type']> = Extract<MetaEvent, { type: Type }>;

/** @param self the engine's node here; between its election and its first entry, a leader knows itself and does not lead */
export function leadershipEvent(
  self: string,
  { term, leading, leader }: { term: number; leading: boolean; leader?: string | undefined },
): EventOf<'leadership'> {
  const elsewhere = leader === undefined || leader === self ? {} : { leader };
  return { type: 'leadership', term, leading, ...elsewhere };
}

export function proposedEvent(
  sequence: number,
  outcome: { result: MetaResult } | { error: unknown },
): EventOf<'proposed'> {
  if ('result' in outcome) return { type: 'proposed', sequence, outcome: { ok: true, result: outcome.result } };
  const message = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
  return { type: 'proposed', sequence, outcome: { ok: false, message } };
}

/** The state after each committed command, in log order, made from what the engine lets its watchers know. */
export class FollowedState {
  state: MetaState;

  constructor(private readonly machine: Pick<MetaStateMachine, 'initial' | 'apply'> = metaStateMachine) {
    this.state = machine.initial();
  }

  next(item: { index: number } & ({ change: MetaCommand } | { snapshot: MetaState })): EventOf<'committed'> {
    this.state = 'snapshot' in item ? item.snapshot : this.machine.apply(this.state, item.change).state;
    const cause = 'change' in item ? item.change.forRequest : undefined;
    return {
      type: 'committed',
      index: item.index,
      state: this.state,
      ...(cause === undefined ? {} : { forRequest: cause }),
    };
  }
}
