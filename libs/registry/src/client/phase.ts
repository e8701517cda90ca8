/** Where the client stands with its one connection. */
export type Phase =
  | { name: 'idle' | 'closed' }
  /** No connection; the next dial is due at `atMs`, elsewhere than at `avoid` if possible. */
  | { name: 'waiting'; atMs: number; avoid?: string }
  /** Dialling, then waiting for the welcome. */
  | { name: 'dialing' | 'greeting'; connection: number; address: string; deadlineMs: number }
  | Ready;

interface Ready {
  name: 'ready';
  connection: number;
  address: string;
  sinceMs: number;
  heartbeatMs: number;
  heartbeatAtMs: number;
  /** When the first heartbeat was sent since anything was last received. */
  unheardSinceMs?: number;
  /** When to follow a `move`. */
  moveAtMs?: number;
}
