import { systemEnv } from '#client';
import { type Config, RollcallServer, type RunningTier, createLogger, startTierApp } from '#nest';
import { ServerFolder } from '#store';
import { DataHost } from './data.host.js';

/** Starts a data server. @throws RegistryError STORE_*, and what listening throws, with nothing left behind */
export async function startData(config: Config<'data'>, fail: (error: unknown) => void): Promise<RunningTier> {
  const env = systemEnv();
  const logger = createLogger({ tier: 'data', ...config.log });
  const folder = await ServerFolder.open(config.dataDir);
  const host = new DataHost({ config, env, logger, folder, fail });
  const server = new RollcallServer({ host: config.host, port: config.rpcPort });
  try {
    const app = await startTierApp({ config, logger, server, links: host.links, readiness: () => host.readiness() });
    await host.start(app.advertised);
    return {
      ...app,
      close: async () => {
        host.stop();
        await host.close();
        await app.close();
        await folder.close();
      },
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}
