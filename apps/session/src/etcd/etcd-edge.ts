import type { DynamicModule } from '@nestjs/common';
import { type Advertised, type Config, type Logger, type TierEdge, formatAddress } from '#nest';
import type { SessionHost } from '../session.host.js';
import { ClusterMembers } from './cluster-members.js';
import { EtcdServer } from './etcd-server.js';
import { EtcdModule } from './etcd.module.js';
import { OpenStreams } from './open-streams.js';

/** What serves clients of etcd on a session server. */
export interface EtcdEdge extends TierEdge {
  module: DynamicModule;
  /** Where it listens, once it does. */
  address(): string;
  /** Where others reach it. */
  advertised(): string;
}

export interface EtcdEdgeOptions {
  config: Advertised<Config<'session'>>;
  host: SessionHost;
  logger: Logger;
}

export function etcdEdge({ config, host, logger }: EtcdEdgeOptions): EtcdEdge {
  const { port, maxConnections, host: own = config.host } = config.etcd;
  const streams = new OpenStreams();
  const server = new EtcdServer({ host: own, port, maxConnections }, streams);
  // One that listens elsewhere than the session server is reached there; else where that is.
  const advertised = (): string => formatAddress(own === config.host ? config.advertisedHost : own, server.port);
  return {
    strategy: server,
    module: EtcdModule.forRoot({
      store: host.keys,
      streams,
      members: new ClusterMembers(host, advertised),
      report: (error) => logger.error('request-failed', { pattern: 'etcd', error }),
    }),
    drain: () => server.drain(),
    address: () => formatAddress(own, server.port),
    advertised,
  };
}
