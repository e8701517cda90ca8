import { join } from 'node:path';
import { systemEnv } from '#client';
import { type Env, FEATURE_LEVEL, randomId } from '#model';
import { type Config, type RunningTier, createLogger, startTierApp } from '#nest';
import { LevelSlotStore, ServerFolder } from '#store';
import { DataHost } from './data.host.js';
import { SlotsController } from './http/slots.controller.js';
import { SlotDisk } from './slot-disk.js';

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
  const env = systemEnv();
  const folder = await ServerFolder.open(config.dataDir);
  const { store, disk } = await openDisk(config.dataDir, env).catch(async (error: unknown) => {
    await folder.close();
    throw error;
  });
  for (const warning of store.warnings) logger.warn('disk-damaged', { warning });
  const host = new DataHost({ config, env, logger, folder, disk, featureLevel, fail });
  return startTierApp({
    config,
    logger,
    host,
    resource: { close: () => store.close().finally(() => folder.close()) },
    controllers: [SlotsController],
    providers: [{ provide: DataHost, useValue: host }],
  });
}

/** The folder's lock is held, so nobody else has the store open. */
async function openDisk(path: string, env: Env): Promise<{ store: LevelSlotStore; disk: SlotDisk }> {
  const store = await LevelSlotStore.open(join(path, 'slots'), () => randomId(env.random));
  try {
    return { store, disk: await SlotDisk.load(store) };
  } catch (error) {
    await store.close();
    throw error;
  }
}
