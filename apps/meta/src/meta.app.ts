import { systemEnv } from '#client';
import { SingleNode } from '#consensus';
import { type FromMeta, PROTOCOL_VERSION, type ToMeta } from '#model';
import { type Config, Links, RollcallServer, type RunningTier, createLogger, startTierApp } from '#nest';
import { metaStateMachine } from '#registry';
import { LevelLogStore } from '#store';
import { pack, unpack } from '#wire';
import { MetaHost } from './meta.host.js';

/** Starts a meta server. @throws RegistryError STORE_*, and what listening throws, with nothing left behind */
export async function startMeta(config: Config<'meta'>, fail: (error: unknown) => void): Promise<RunningTier> {
  const env = systemEnv();
  const logger = createLogger({ tier: 'meta', ...config.log });
  const consensus = await SingleNode.open({
    store: new LevelLogStore(config.dataDir),
    machine: metaStateMachine,
    codec: { encode: pack, decode: (bytes) => unpack(bytes) },
  });
  const links: Links<FromMeta, ToMeta> = new Links<FromMeta, ToMeta>({
    hello: () => ({
      protocol: PROTOCOL_VERSION,
      role: 'meta',
      incarnation: host.incarnation,
      clusterId: host.clusterId,
    }),
    onEvent: (event) => host.dispatch(event),
  });
  const host = new MetaHost({ config, env, logger, consensus, links, fail });
  const server = new RollcallServer({ host: config.host, port: config.rpcPort });
  try {
    const app = await startTierApp({ config, logger, server, links, readiness: () => host.readiness() });
    host.start();
    return {
      ...app,
      close: async () => {
        host.stop();
        await links.close();
        await app.close();
        await consensus.close();
      },
    };
  } catch (error) {
    await consensus.close();
    throw error;
  }
}
