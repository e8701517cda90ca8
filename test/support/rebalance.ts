import { setTimeout } from 'node:timers/promises';
import type { ClusterNode } from '../../scripts/lib/cluster.mjs';
import { http } from './http.js';

const POLL_MS = 20;

/** Resolves once nothing is moved between data servers, nor about to be, with the epoch of the table then. */
export async function balanced(meta: () => ClusterNode): Promise<number> {
  for (;;) {
    const { status, body } = await http('GET', `http://${meta().httpAddress}/v1/rebalance`);
    if (status === 200) {
      const { next, offBalance, underWay, epoch } = body;
      if (next.steps + underWay.joining + offBalance.leads + offBalance.replicas === 0) return epoch as number;
    }
    await setTimeout(POLL_MS);
  }
}
