import { systemEnv } from '#client';
import { SingleNode } from '#consensus';
import { type Config, type RunningTier, createLogger, startTierApp } from '#nest';
import { metaStateMachine } from '#registry';
import { LevelLogStore } from '#store';
import { pack, unpack } from '#wire';
import { MetaHost } from './meta.host.js';

/** Starts a meta server. @throws RegistryError STORE_*, and what listening throws, with nothing left behind */
export async function startMeta(config: Config<'meta'>, fail: (error: unknown) => void): Promise<RunningTier> {
  const logger = createLogger({ tier: 'meta', ...config.log });
  const consensus = await SingleNode.open({
    store: new LevelLogStore(config.dataDir),
    machine: metaStateMachine,
    codec: { encode: pack, decode: (bytes) => unpack(bytes) },
  });
  const host = new MetaHost({ config, env: systemEnv(), logger, consensus, fail });
  return startTierApp({ config, logger, host, resource: consensus });
}
