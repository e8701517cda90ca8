import { join } from 'node:path';
import { systemEnv } from '#client';
import { type Env, FEATURE_LEVEL, randomId } from '#model';
import {
  AdminTokens,
  type Config,
  type Logger,
  PageTurns,
  type RunningTier,
  advertise,
  createLogger,
  refuseTakenAddress,
  startTierApp,
} from '#nest';
import type { WarmCopy } from '#registry';
import { LevelSlotStore, ServerFolder } from '#store';
import { DataHost } from './data.host.js';
import { DatumsController } from './http/datums.controller.js';
import { RemovalsController } from './http/removals.controller.js';
import { SlotsController } from './http/slots.controller.js';
import { dataMetrics } from './metrics.js';
import { SlotDisk } from './slot-disk.js';
import { WarmDisk } from './warm-disk.js';

/**
 * Starts a data server.
 * @param featureLevel the highest that it supports, for tests of what happens between versions
 * @throws RegistryError INVALID_CONFIGURATION, STORE_*, and what listening throws, with nothing left behind
 */
export async function startData(
  given: Config<'data'>,
  fail: (error: unknown) => void,
  featureLevel = FEATURE_LEVEL,
): Promise<RunningTier> {
  const logger = createLogger({ tier: 'data', ...given.log });
  const config = await advertise(given, logger);
  await refuseTakenAddress(config);
  const env = systemEnv();
  const adminTokens = await AdminTokens.open(config.admin, logger);
  const folder = await ServerFolder.open(config.dataDir);
  const { store, disk } = await openDisk(config.dataDir, env).catch(async (error: unknown) => {
    await folder.close();
    throw error;
  });
  for (const warning of store.warnings) logger.warn('disk-damaged', { warning });
  const warm = config.warmStart ? await openWarm(config, logger, env) : undefined;
  const host = new DataHost({ config, env, logger, folder, disk, ...(warm ? { warm } : {}), featureLevel, fail });
  return startTierApp({
    config,
    featureLevel,
    logger,
    host,
    adminTokens,
    api: {
      title: 'Rollcall data server',
      description: 'What this one data server holds, for people who want to know why something is visible, or is not.',
    },
    resource: {
      close: async () => {
        await warm?.disk.close();
        await store.close().finally(() => folder.close());
      },
    },
    controllers: [SlotsController, DatumsController, RemovalsController],
    providers: [
      { provide: DataHost, useValue: host },
      { provide: PageTurns, useValue: new PageTurns() },
    ],
    metrics: dataMetrics(host),
  });
}

/** Whatever is wrong with it, the server starts. */
async function openWarm(config: Config<'data'>, logger: Logger, env: Env): Promise<{ disk: WarmDisk; copy: WarmCopy }> {
  const disk = await WarmDisk.open(join(config.dataDir, 'warm'), logger);
  const copy = await disk.load(config.limits.tombstoneMs, logger, () => env.nowMs());
  if (copy.loaded > 0) logger.info('warm-copy-loaded', { publications: copy.loaded });
  return { disk, copy };
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
