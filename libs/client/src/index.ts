export { RpcConnection, type RpcConnectOptions, type StreamListener } from './rpc-connection.js';
export {
  type ClientStatus,
  RegistryClient,
  type RegistryClientEvents,
  type RegistryClientOptions,
} from './registry-client.js';
export { Publisher } from './publisher.js';
export { Subscriber, type SubscriberEvents } from './subscriber.js';
export { ConfigWatcher, type ConfigWatcherEvents } from './config-watcher.js';
export type { QueryOptions } from './query.js';
export type { LogEntry } from './client-host.js';
export { byZone } from '#registry';
export type {
  ClientLimits,
  ClientState,
  ConfigSnapshot,
  ListChanges,
  Registration,
  StateReason,
  SubscriberSnapshot,
  Subscription,
} from '#registry';
export { CODES, type Code, type PublisherView, RegistryError, type Retry } from '#model';
export { type Endpoint, formatEndpoint, parseEndpoint } from '#model';
export type { SnapshotOptions, SnapshotProblem } from './snapshot/snapshot-folder.js';
export { systemEnv } from './env.js';
