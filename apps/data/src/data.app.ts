import { systemEnv } from '#client';
import { FEATURE_LEVEL } from '#model';
import { type Config, type RunningTier, createLogger, startTierApp } from '#nest';
import { ServerFolder } from '#store';
import { DataHost } from './data.host.js';
import { SlotsController } from './http/slots.controller.js';

/**
 * Starts a data server.
 * @param featureLevel the highest that it supports, for tests of what happens between versions
 * @throws RegistryError STORE_*, and what listening throws, with nothing left behind
 */
export async function startData(
  config: Config<'data'>,
  fail: (error: unknown) => void,
  featureLevel = FEATURE_LEVEL,
): Promise<RunningTier> {
  const logger = createLogger({ tier: 'data', ...config.log });
  const folder = await ServerFolder.open(config.dataDir);
  const host = new DataHost({ config, env: systemEnv(), logger, folder, featureLevel, fail });
  return startTierApp({
    config,
    logger,
    host,
    resource: folder,
    controllers: [SlotsController],
    providers: [{ provide: DataHost, useValue: host }],
  });
}
