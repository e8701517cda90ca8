import type { Failure, Scope } from '#model';
import type {
  ClientBrain,
  ClientOptions,
  ConfigSnapshot,
  KeptServers,
  KeptView,
  ListChanges,
  SubscriberSnapshot,
} from '#registry';
import type { SimClient } from './client-host.js';
import type { HostObserver } from './server-host.js';

/** What clients keep on disk, for the next process on the machine. */
export interface SimSnapshot {
  servers?: KeptServers;
  views: Map<string, KeptView>;
}

export interface ClientHostOptions {
  makeCore: (options: ClientOptions) => ClientBrain;
  seeds: string[];
  zone: string;
  /** Whether it takes deltas. */
  deltas?: boolean;
  limits?: ClientOptions['limits'];
  /** What an earlier process has left. */
  disk?: SimSnapshot;
}

export type Outcome = { ok: true; stored: boolean } | { ok: false; failure: Failure };

/** Whatever publishes. */
export interface SimApplication {
  readonly name: string;
  readonly publishers: SimPublisher[];
  readonly running: boolean;
  readonly dead: boolean;
  readonly closed: boolean;
  /** The session server at the other end of its connection, and the connection's number in the network. */
  connectedTo(): { host: string; connection: number } | undefined;
}

/** What an application did with a publisher, and what came of it. */
export interface SimPublisher {
  readonly client: SimApplication;
  readonly registerId: string;
  readonly dataInfoId: string;
  readonly zone: string;
  /** What it wants published now; undefined once unpublished or closed. */
  data: string[] | undefined;
  /** Of its calls, in order. */
  outcomes: Outcome[];
  republish(data: string[]): void;
  unpublish(): void;
}

/** Every list a subscriber was shown, in order. */
export interface SimSubscriber {
  readonly client: SimClient;
  readonly dataInfoId: string;
  readonly scope: Scope;
  readonly zone: string;
  readonly shown: { atMs: number; snapshot: SubscriberSnapshot }[];
  /** False once unsubscribed. */
  active: boolean;
  current(): SubscriberSnapshot | undefined;
  /** registerId -> data of the list last shown. */
  list(): Map<string, string[]>;
  unsubscribe(): void;
}

/** A configuration value that a client watches, and all that it was told of it. */
export interface SimWatcher {
  readonly client: SimClient;
  readonly key: string;
  readonly told: ConfigSnapshot[];
  active: boolean;
  unwatch(): void;
}

export interface ClientObserver extends HostObserver {
  shown?(subscriber: SimSubscriber, snapshot: SubscriberSnapshot, changes: ListChanges): void;
}
