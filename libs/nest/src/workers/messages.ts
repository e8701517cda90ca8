/** What the process that starts workers says to one of them. */
export type ToWorker =
  /** Stop, as a server does at SIGTERM; the siblings stop as well. */
  | { type: 'stop'; siblings: string[] }
  | { type: 'question'; id: number; about: string; siblings: string[] }
  | { type: 'answers'; id: number; answers: unknown[] };

/** What a worker says to it. */
export type FromWorker =
  /** It listens, and goes by this address in the cluster. */
  | { type: 'serving'; address: string }
  | { type: 'ask'; id: number; about: string }
  /** Either an answer, or why there is none. */
  | { type: 'answer'; id: number; answer?: unknown; failure?: string };
