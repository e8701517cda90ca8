import type { WaitsFor } from '../traces/report.js';

/** What the lists of a session server tell, for people. Times of day are by the clock on its wall. */
export interface ConnectionItem {
  connection: number;
  /** Which the client connects from. */
  address: string;
  /** As its hello has told them; empty where it has told none. */
  appName: string;
  zone: string;
  connectedAt: string;
  /** For how long nothing has been heard of it. */
  silentMs: number;
  /**
   * `grace`: it is lost, and its publications wait for its client to come back. `moved`: it was asked to go to another server.
   * `served`; or `idle`, where it has asked for nothing that makes it a client.
   */
  state: 'served' | 'moved' | 'grace' | 'idle';
  publishers: number;
  subscribers: number;
  /** Less is read of it than is sent. */
  isBackedUp: boolean;
  /** Of its subscribers, those that have not acknowledged their last push, and those for whom something waits. */
  unacknowledged: number;
  waiting: number;
}

export interface SubscriberItem {
  dataId: string;
  group: string;
  instanceId: string;
  slot: number;
  connection: number;
  subscriptionId: string;
  address: string;
  appName: string;
  zone: string;
  /** It sees its own zone, or everything. */
  scope: 'zone' | 'dataCenter';
  /** Of what it was last sent; null while that is nothing. */
  version: string | null;
  /** What it was last sent is the whole, or only what is known so far; or it was told that nothing is known yet, or nothing. */
  told: 'nothing' | 'pending' | 'partial' | 'whole';
  unacknowledgedMs: number | null;
  /** What keeps what there is to tell it; null where it has everything. */
  waitsFor: WaitsFor | null;
}

export interface PublisherItem {
  dataId: string;
  group: string;
  instanceId: string;
  slot: number;
  registerId: string;
  /** What keeps it. */
  kind: 'connected' | 'leased';
  /** Of a connected one. */
  connection: number | null;
  address: string | null;
  /** Of a leased one, the length of its lease. */
  leaseMs: number | null;
  /** Of the publication, or where that tells none of its connection. */
  appName: string;
  zone: string;
  registeredAt: string;
  /**
   * The leader of its slot has it, or is still to be told, or to answer. `withdrawn`: an operator has switched its client off.
   */
  state: 'stored' | 'under-way' | 'withdrawn';
}
