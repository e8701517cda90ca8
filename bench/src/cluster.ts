import { fileURLToPath } from 'node:url';
import type * as scripts from '../../scripts/lib/cluster.mjs';

/** The top of the checkout. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

// The script is not compiled: seen from dist, it is at the top of the checkout.
const { Cluster, balanced, portsFrom } = (await import(
  new URL('../../../scripts/lib/cluster.mjs', import.meta.url).href
)) as typeof scripts;

export { Cluster, balanced, portsFrom };
export type Servers = scripts.Cluster;
export type Node = scripts.ClusterNode;

/**
 * Whoever is told to stop in the middle takes the servers it has started along: they are ended when the process exits. A
 * signal may come once more meanwhile, to all of a terminal and handed on by whoever runs this, and must not cut that short.
 */
export function endOnSignals(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.on(signal, () => process.exit(code));
}
