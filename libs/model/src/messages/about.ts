import type { ServerRole } from '../table.js';

/** Asked of any server over RPC; over HTTP it is `GET /version`. */
export const ABOUT_PATTERN = 'server.about';

/** What a server says of itself to operators. */
export interface About {
  role: ServerRole;
  /** Where others reach it, over RPC and over HTTP. */
  address: string;
  httpAddress: string;
  /** Of a session server that serves clients of etcd, where they reach it. */
  etcdAddress?: string;
  /** Left out while it has none. */
  incarnation?: string;
  clusterId?: string;
  version: string;
  /** The highest that it supports. */
  featureLevel: number;
  nodeVersion: string;
  /** By its own clocks: the time of day in milliseconds, by which nothing is decided, and since when it runs. */
  wallMs: number;
  upMs: number;
  /** RPC addresses, as its settings have them. */
  metaAddresses: string[];
}
