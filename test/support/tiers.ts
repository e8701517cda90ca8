import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningTier, loadConfig } from '#nest';
import { startData } from '../../apps/data/src/data.app.js';
import { startMeta } from '../../apps/meta/src/meta.app.js';
import { type RunningSession, startSession } from '../../apps/session/src/session.app.js';

/** A registry in this process, on free ports of loopback. */
export interface Tiers {
  meta: RunningTier;
  data: RunningTier;
  session: RunningSession;
  /** `http://host:port` of the session server. */
  http: string;
  close(): Promise<void>;
}

export async function startTiers(env: Record<string, string> = {}): Promise<Tiers> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-test-'));
  const failed: unknown[] = [];
  const fail = (error: unknown): void => void failed.push(error);
  const settings = (tier: 'META' | 'DATA' | 'SESSION'): Record<string, string> => ({
    [`ROLLCALL_${tier}_RPC_PORT`]: '0',
    [`ROLLCALL_${tier}_HTTP_PORT`]: '0',
    [`ROLLCALL_${tier}_DATA_DIR`]: join(folder, tier.toLowerCase()),
    ROLLCALL_LOG_LEVEL: 'error',
    ...env,
  });
  const meta = await startMeta(loadConfig('meta', { env: settings('META'), argv: [] }), fail);
  const seed = { ROLLCALL_CLUSTER_META_ADDRESSES: meta.rpcAddress };
  const data = await startData(loadConfig('data', { env: { ...settings('DATA'), ...seed }, argv: [] }), fail);
  const session = await startSession(
    loadConfig('session', { env: { ...settings('SESSION'), ...seed }, argv: [] }),
    fail,
  );
  await Promise.all([meta.ready(), data.ready(), session.ready()]);
  return {
    meta,
    data,
    session,
    http: `http://${session.httpAddress}`,
    close: async () => {
      for (const tier of [session, data, meta]) await tier.close();
      await rm(folder, { recursive: true, force: true });
      expect(failed).toEqual([]);
    },
  };
}
