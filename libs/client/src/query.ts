import { type DatumView, type Env, RegistryError } from '#model';
import type { Subscription } from '#registry';
import type { RpcConnection } from './rpc-connection.js';

export interface QueryOptions {
  /** How long to go on trying. Default 5,000. */
  timeoutMs?: number;
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/** A query changes nothing, so whatever may pass is tried again, over whichever connection there is by then. */
export async function queryUntil(
  query: Subscription,
  options: QueryOptions,
  env: Env,
  connection: (deadlineMs: number) => Promise<RpcConnection>,
): Promise<DatumView> {
  const deadlineMs = env.nowMs() + (options.timeoutMs ?? 5_000);
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const rpc = await connection(deadlineMs);
    try {
      const timeoutMs = Math.max(1, deadlineMs - env.nowMs());
      return (await rpc.request('registry.query', query, { timeoutMs })) as DatumView;
    } catch (error) {
      if (!(error instanceof RegistryError) || error.retry === 'never') throw error;
      const againMs = env.nowMs() + Math.max(pauseMs, error.retryAfterMs ?? 0);
      if (againMs >= deadlineMs) throw error;
      await new Promise<void>((resolve) => void env.at(againMs, resolve));
    }
  }
}
