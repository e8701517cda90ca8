import type { Notice } from '#model';
import { DEFAULT_HEARTBEAT_MS } from './limits.js';

/** Where the client stands with its one connection. */
export type Phase =
  | { name: 'idle' | 'closed' }
  /** No connection; the next dial is due at `atMs`, elsewhere than at `avoid` if possible. */
  | { name: 'waiting'; atMs: number; avoid?: string }
  | Dialing
  | Greeting
  | Ready;

export interface Dialing {
  name: 'dialing';
  connection: number;
  address: string;
  deadlineMs: number;
}

/** The hello is sent, and the welcome waited for. */
export interface Greeting extends Omit<Dialing, 'name'> {
  name: 'greeting';
  /** Requests go out already, behind the hello. */
  isOpen: boolean;
}

export interface Ready {
  name: 'ready';
  connection: number;
  address: string;
  sinceMs: number;
  heartbeatMs: number;
  /** Of the wait before another is dialled when this connection breaks. */
  spreadMs: number;
  heartbeatAtMs: number;
  /** When the first heartbeat was sent since anything was last received. */
  unheardSinceMs?: number;
  /** When to follow a `move`. */
  moveAtMs?: number;
}

/** The connection that requests go out on. */
export function openConnection(phase: Phase): number | undefined {
  if (phase.name === 'ready') return phase.connection;
  return phase.name === 'greeting' && phase.isOpen ? phase.connection : undefined;
}

export function readyPhase(
  { connection, address }: { connection: number; address: string },
  { heartbeatMs }: Notice & { type: 'welcome' },
  nowMs: number,
): Ready {
  const everyMs = Number.isFinite(heartbeatMs) && heartbeatMs > 0 ? heartbeatMs : DEFAULT_HEARTBEAT_MS;
  return {
    name: 'ready',
    connection,
    address,
    sinceMs: nowMs,
    heartbeatMs: everyMs,
    heartbeatAtMs: nowMs + everyMs,
    spreadMs: 0,
  };
}

/** When the connection counts as dead, unless something comes before; Infinity where there is none to judge. */
export function deadAtMs(phase: Phase, oldestRequestMs: number, requestTimeoutMs: number): number {
  if (phase.name === 'dialing' || phase.name === 'greeting') return phase.deadlineMs;
  if (phase.name !== 'ready') return Infinity;
  return Math.min(oldestRequestMs, (phase.unheardSinceMs ?? Infinity) + requestTimeoutMs);
}
