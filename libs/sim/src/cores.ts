import type { Core } from '#model';
import {
  type ClientBrain,
  ClientCore,
  type ClientOptions,
  DataCore,
  type DataEffect,
  type DataEvent,
  type DataOptions,
  MetaCore,
  type MetaEffect,
  type MetaEvent,
  type MetaOptions,
  type MetaStateMachine,
  SessionCore,
  type SessionEffect,
  type SessionEvent,
  type SessionOptions,
  createMetaStateMachine,
} from '#registry';

/** The brains of a cluster. */
export interface Cores {
  meta: (options: MetaOptions) => Core<MetaEvent, MetaEffect>;
  /** @param featureLevel the highest that the node supports */
  machine: (featureLevel: number) => MetaStateMachine;
  data: (options: DataOptions) => Core<DataEvent, DataEffect>;
  session: (options: SessionOptions) => Core<SessionEvent, SessionEffect>;
  client: (options: ClientOptions) => ClientBrain;
}

export const realCores: Cores = {
  meta: (options) => new MetaCore(options),
  machine: createMetaStateMachine,
  data: (options) => new DataCore(options),
  session: (options) => new SessionCore(options),
  client: (options) => new ClientCore(options),
};
