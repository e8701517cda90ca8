import { systemEnv } from '#client';
import { type Config, type RunningTier, createLogger, startTierApp } from '#nest';
import { RaftController } from './http/raft.controller.js';
import { MetaHost } from './meta.host.js';
import { RaftAdministration } from './raft/administration.js';
import { MetaGroup } from './raft/group.js';
import { RaftRpcController } from './rpc/raft.controller.js';

/**
 * Starts a meta server.
 * @throws RegistryError STORE_*, INVALID_CONFIGURATION, and what listening throws, with nothing left behind
 */
export async function startMeta(config: Config<'meta'>, fail: (error: unknown) => void): Promise<RunningTier> {
  const logger = createLogger({ tier: 'meta', ...config.log });
  const env = systemEnv();
  const group = await MetaGroup.open({ config, env, logger, fail });
  const host = new MetaHost({ config, env, logger, group, fail });
  return startTierApp({
    config,
    logger,
    host,
    resource: group,
    controllers: [RaftController, RaftRpcController],
    providers: [
      { provide: MetaHost, useValue: host },
      { provide: RaftAdministration, useValue: new RaftAdministration(group.node) },
    ],
  });
}
