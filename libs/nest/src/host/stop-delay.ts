import { isLoopback } from '../config/address.js';

/** Two looks of a load balancer that looks every two seconds, and a little more. */
const STOP_DELAY_MS = 5_000;

/** How long a server goes on serving after it has said that it will stop. None looks whether one on loopback is ready. */
export function stopDelayOf({ host, stopDelayMs }: { host: string; stopDelayMs?: number | undefined }): number {
  return stopDelayMs ?? (isLoopback(host) ? 0 : STOP_DELAY_MS);
}
