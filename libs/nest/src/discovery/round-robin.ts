import type { Endpoint } from './endpoint.js';

/**
 * Smooth weighted round robin, as in nginx: over any run of picks each endpoint gets its share, and the picks of one
 * endpoint are spread out.
 */
export class WeightedRoundRobin {
  private readonly credit = new Map<string, number>();

  /** The next endpoint, or undefined when there is none. Endpoints of weight 0 are picked only when all have 0. */
  pick(endpoints: readonly Endpoint[]): Endpoint | undefined {
    const total = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0);
    let best: Endpoint | undefined;
    let bestCredit = -Infinity;
    for (const endpoint of endpoints) {
      const credit = (this.credit.get(endpoint.address) ?? 0) + (total > 0 ? endpoint.weight : 1);
      this.credit.set(endpoint.address, credit);
      if (credit > bestCredit) {
        best = endpoint;
        bestCredit = credit;
      }
    }
    if (best) this.credit.set(best.address, bestCredit - (total > 0 ? total : endpoints.length));
    return best;
  }

  /** Drops what is kept for endpoints that are gone. */
  retain(endpoints: readonly Endpoint[]): void {
    const addresses = new Set(endpoints.map((endpoint) => endpoint.address));
    for (const address of this.credit.keys()) if (!addresses.has(address)) this.credit.delete(address);
  }
}
