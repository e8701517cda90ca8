import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from '../../scripts/lib/cluster.mjs';

type Options = Omit<Parameters<typeof Cluster.open>[0], 'dir' | 'basePort'>;

/** A cluster of real processes on free ports of loopback, in a folder of its own; see `endCluster`. */
export async function startCluster(options: Options): Promise<Cluster> {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-cluster-'));
  const cluster = await Cluster.open({ ...options, dir, basePort: 0 });
  try {
    return await cluster.start();
  } catch (error) {
    await endCluster(cluster);
    throw error;
  }
}

/** Ends what `startCluster` has started, if it did, and removes its folder. */
export async function endCluster(cluster: Cluster | undefined, { gracefully = false } = {}): Promise<void> {
  if (!cluster) return;
  await (gracefully ? cluster.stop() : cluster.kill());
  await rm(cluster.dir, { recursive: true, force: true });
}
