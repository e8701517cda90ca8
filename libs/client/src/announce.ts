import { type ClientResult, type Env, RegistryError } from '#model';
import type { Registration } from '#registry';
import type { RpcConnection } from './rpc-connection.js';

const TIMEOUT_MS = 5_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/**
 * Asks again only where it is certain that nobody was told. What was asked over a connection that is lost, or was not
 * answered, may have been told.
 */
export async function announceOnce(
  registration: Registration,
  env: Env,
  connection: (deadlineMs: number) => Promise<RpcConnection>,
): Promise<void> {
  const deadlineMs = env.nowMs() + TIMEOUT_MS;
  const request = { ...registration, temporary: true };
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const rpc = await connection(deadlineMs);
    const timeoutMs = Math.max(1, deadlineMs - env.nowMs());
    try {
      const result = (await rpc.request('registry.publish', request, { timeoutMs })) as ClientResult | undefined;
      // A server of before temporary publications would keep it.
      if (result?.status === 'announced') return;
      throw new RegistryError('INTERNAL', 'The session server does not support temporary publications.');
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      const mayBeTold = error.code === 'CONNECTION_CLOSED' || error.code === 'DEADLINE_EXCEEDED';
      if (mayBeTold) throw new RegistryError('OUTCOME_UNKNOWN', error.message, { cause: error });
      const againMs = env.nowMs() + Math.max(pauseMs, error.retryAfterMs ?? 0);
      if (error.retry === 'never' || error.code === 'OUTCOME_UNKNOWN' || againMs >= deadlineMs) throw error;
      await new Promise<void>((resolve) => void env.at(againMs, resolve));
    }
  }
}
