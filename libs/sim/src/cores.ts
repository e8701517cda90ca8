import type { Core } from '#model';
import {
  ClientCore,
  type ClientEffect,
  type ClientEvent,
  type ClientOptions,
  DataCore,
  type DataEffect,
  type DataEvent,
  type DataOptions,
  type MetaCommand,
  MetaCore,
  type MetaEffect,
  type MetaEvent,
  type MetaOptions,
  type MetaResult,
  type MetaState,
  SessionCore,
  type SessionEffect,
  type SessionEvent,
  type SessionOptions,
  metaStateMachine,
} from '#registry';
import type { Machine } from './consensus.js';

/** The brains of a cluster. */
export interface Cores {
  meta: (options: MetaOptions) => Core<MetaEvent, MetaEffect>;
  machine: Machine<MetaCommand, MetaState, MetaResult>;
  data: (options: DataOptions) => Core<DataEvent, DataEffect>;
  session: (options: SessionOptions) => Core<SessionEvent, SessionEffect>;
  client: (options: ClientOptions) => Core<ClientEvent, ClientEffect>;
}

export const realCores: Cores = {
  meta: (options) => new MetaCore(options),
  machine: metaStateMachine,
  data: (options) => new DataCore(options),
  session: (options) => new SessionCore(options),
  client: (options) => new ClientCore(options),
};
