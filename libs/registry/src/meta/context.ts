import { type LogLevel, type RoutingTable, type EventAt, logged } from '#model';
import type { MetaEffect, MetaLimits, MetaState } from './contract.js';
import { metaStateMachine } from './state.js';

/** What the parts of the core share: what is committed, whether this node leads, and the effects of the present step. */
export class MetaContext {
  state: MetaState = metaStateMachine.initial();
  term = 0;
  leading = false;
  /** Where whoever leads is reached, if it is known and not this node. */
  leader: string | undefined;
  /** This node leads, and has applied everything committed before it did. Until then it serves nobody. */
  ready = false;
  /** This node leads a group that was recovered or restored, and gives the members that live time to join. */
  gathering = false;
  /** When it will have been ready for a full lease. */
  settledAtMs = 0;
  /** The cluster was created by this very leader, who therefore knows all there is to know. */
  isNew = false;
  private effects: MetaEffect[] = [];

  /** @param version of the code */
  constructor(
    readonly limits: MetaLimits,
    readonly version?: string,
  ) {}

  get table(): RoutingTable {
    return this.state.table;
  }

  isSettled(nowMs: number): boolean {
    return this.ready && nowMs >= this.settledAtMs;
  }

  emit(effect: MetaEffect): void {
    this.effects.push(effect);
  }

  end(): MetaEffect[] {
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  log<Level extends LogLevel>(level: Level, event: EventAt<Level>, fields: Record<string, unknown>): void {
    this.emit(logged(level, event, fields));
  }
}
