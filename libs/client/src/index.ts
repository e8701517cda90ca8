export { RpcConnection, type RpcConnectOptions, type StreamListener } from './rpc-connection.js';
export { RegistryClient, type RegistryClientEvents, type RegistryClientOptions } from './registry-client.js';
export { Publisher } from './publisher.js';
export { Subscriber, type SubscriberEvents } from './subscriber.js';
export type { QueryOptions } from './query.js';
export type { LogEntry } from './client-host.js';
export type { ClientLimits, ClientState, Registration, SubscriberSnapshot, Subscription } from '#registry';
export { systemEnv } from './env.js';
