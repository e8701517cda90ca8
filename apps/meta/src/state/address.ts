import { isIP } from 'node:net';
import { plainAddress } from '#nest';

/** An IP address as session servers see it on a connection; undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  const plain = plainAddress(text);
  const family = isIP(plain);
  if (family === 0 || plain.includes('%')) return undefined;
  // URLs write IPv6 addresses in the shortest form, as the kernel does.
  return family === 4 ? plain : new URL(`http://[${plain}]`).hostname.slice(1, -1);
}
