import { type Member, isCode } from '#model';
import { REQUEST_ID_HEADER } from '#nest';

const ANSWER_MS = 2_000;
const AT_ONCE = 16;

export interface PeerAnswer<T> {
  /** The RPC address of the server. */
  session: string;
  report?: T;
  unanswered?: string;
}

/**
 * Asks other servers the same over HTTP, some at a time. One that has nothing to say on it has answered, too.
 * @param requestId of the request that asks for it, which those made here have as well
 */
export async function askPeers<T>(
  peers: readonly Member[],
  path: string,
  requestId?: string,
): Promise<PeerAnswer<T>[]> {
  const answers: PeerAnswer<T>[] = [];
  for (let at = 0; at < peers.length; at += AT_ONCE)
    answers.push(...(await Promise.all(peers.slice(at, at + AT_ONCE).map((peer) => ask<T>(peer, path, requestId)))));
  return answers;
}

async function ask<T>(
  { address: session, httpAddress }: Member,
  path: string,
  requestId: string | undefined,
): Promise<PeerAnswer<T>> {
  try {
    const response = await fetch(`http://${httpAddress}${path}`, {
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(requestId === undefined ? {} : { headers: { [REQUEST_ID_HEADER]: requestId } }),
    });
    const body = (await response.json()) as T & { code?: unknown };
    if (response.ok) return { session, report: body };
    // A server that does not know this route says the same, and it does not take part either.
    if (response.status === 404) return { session };
    return { session, unanswered: isCode(body.code) ? body.code : `It answered ${response.status}.` };
  } catch (error) {
    return { session, unanswered: error instanceof Error ? error.message : String(error) };
  }
}
