import { systemEnv } from '#client';
import { nativeKeysIn as nativeKeys } from '#etcd';
import { FEATURE_LEVEL } from '#model';
import {
  AdminTokens,
  type Config,
  NoSiblings,
  type RunningTier,
  type Worker,
  advertise,
  createLogger,
  refuseTakenAddress,
  startTierApp,
} from '#nest';
import { ServerFolder } from '#store';
import { decodeBody } from '#wire';
import { EDGE, edgeContext } from './edge.js';
import { knownLayouts } from './etcd/known-layouts.js';
import { EurekaModule } from './eureka/eureka.module.js';
import { ClusterLists } from './http/cluster-lists.js';
import { ConfigController } from './http/config.controller.js';
import { DatumsController } from './http/datums.controller.js';
import { DrainController, SIBLINGS, answerDrains } from './http/drain.controller.js';
import { HttpCaller } from './http/http-caller.js';
import { LeasesController } from './http/leases.controller.js';
import { ListsController } from './http/lists.controller.js';
import { PublishersController } from './http/publishers.controller.js';
import { TracesController } from './http/traces.controller.js';
import { WatchController } from './http/watch.controller.js';
import { sessionMetrics } from './metrics.js';
import { RegistryController } from './rpc/registry.controller.js';
import { RpcClients } from './rpc/rpc-clients.js';
import { SessionHost } from './session.host.js';

/** Connections beyond those of clients that are let in, for whoever is to be told that it is not. */
const REFUSABLE = 1_000;

export interface RunningSession extends RunningTier {
  /** Where clients of etcd are served, as `host:port`; left out where they are not. */
  etcdAddress?: string;
}

/**
 * Starts a session server.
 * @param featureLevel the highest that it supports, for tests of what happens between versions
 * @throws RegistryError INVALID_CONFIGURATION, STORE_*, and what listening throws, with nothing left behind
 */
export async function startSession(
  given: Config<'session'>,
  fail: (error: unknown) => void,
  featureLevel = FEATURE_LEVEL,
  worker?: Worker,
): Promise<RunningSession> {
  const logger = createLogger({ tier: worker ? `session-${worker.number}` : 'session', ...given.log });
  const config = await advertise(given, logger);
  // Workers share this one, and have others of their own.
  if (!worker) await refuseTakenAddress(config);
  const adminTokens = await AdminTokens.open(config.admin, logger);
  const folder = await ServerFolder.open(config.dataDir);
  const env = systemEnv();
  const layouts = config.etcd.enabled ? knownLayouts(config.etcd.layouts, logger) : undefined;
  const keyLayouts = layouts?.keyLayouts ?? [];
  const nativeKeysIn = layouts ? nativeKeys(layouts, (body) => decodeBody(body).data) : () => undefined;
  const host = new SessionHost({ config, env, logger, folder, featureLevel, keyLayouts, nativeKeysIn, fail });
  const edge = edgeContext(host.makeRegisterId);
  const clients = new RpcClients(host, edge);
  const caller = new HttpCaller(host);
  const lists = new ClusterLists(host);
  const siblings = worker?.siblings ?? new NoSiblings();
  answerDrains(siblings, host);
  // Loaded where it is served, since most servers are none of its.
  const etcd = layouts ? (await import('./etcd/etcd-edge.js')).etcdEdge({ config, host, logger }) : undefined;
  const running = await startTierApp({
    config,
    featureLevel,
    logger,
    host,
    adminTokens,
    rpcIsForClients: true,
    api: {
      title: 'Rollcall session server',
      description:
        'What applications use: publishing, reading and watching, and what a session server knows of its clients.',
    },
    resource: folder,
    accept: (server) => clients.accept(server),
    drainMs: config.limits.drainMs,
    ...(worker ? { worker } : {}),
    maxConnections: config.limits.maxConnections + REFUSABLE,
    metrics: sessionMetrics(host),
    imports: [
      ...(config.eureka.enabled ? [EurekaModule.forRoot({ host, caller, edge, lists, env })] : []),
      ...(etcd ? [etcd.module] : []),
    ],
    ...(etcd ? { edges: [etcd], about: () => ({ etcdAddress: etcd.advertised() }) } : {}),
    controllers: [
      ...[RegistryController, PublishersController, LeasesController, DatumsController],
      ...[WatchController, ConfigController, TracesController, DrainController, ListsController],
    ],
    providers: [
      { provide: SessionHost, useValue: host },
      { provide: EDGE, useValue: edge },
      { provide: ClusterLists, useValue: lists },
      { provide: SIBLINGS, useValue: siblings },
      { provide: RpcClients, useValue: clients },
      { provide: HttpCaller, useValue: caller },
    ],
  });
  if (!etcd) return running;
  logger.info('serves-etcd', { address: etcd.address() });
  return { ...running, etcdAddress: etcd.address() };
}
