import { systemEnv } from '#client';
import { type Config, type RunningTier, createLogger, startTierApp } from '#nest';
import { ServerFolder } from '#store';
import { DataHost } from './data.host.js';
import { SlotsController } from './http/slots.controller.js';

/** Starts a data server. @throws RegistryError STORE_*, and what listening throws, with nothing left behind */
export async function startData(config: Config<'data'>, fail: (error: unknown) => void): Promise<RunningTier> {
  const logger = createLogger({ tier: 'data', ...config.log });
  const folder = await ServerFolder.open(config.dataDir);
  const host = new DataHost({ config, env: systemEnv(), logger, folder, fail });
  return startTierApp({
    config,
    logger,
    host,
    resource: folder,
    controllers: [SlotsController],
    providers: [{ provide: DataHost, useValue: host }],
  });
}
