import type { ServiceEndpoint } from '../service-endpoint.js';
import { type Balancer, weightsOf } from './balancer.js';

/**
 * Smooth weighted round robin, as in nginx: over any run of picks each endpoint gets its share, and the picks of one
 * endpoint are spread out.
 */
export class WeightedRoundRobin implements Balancer {
  private readonly credit = new Map<string, number>();

  pick(endpoints: readonly ServiceEndpoint[]): ServiceEndpoint | undefined {
    const weights = weightsOf(endpoints);
    let best: ServiceEndpoint | undefined;
    let bestCredit = -Infinity;
    for (const endpoint of endpoints) {
      const credit = (this.credit.get(endpoint.address) ?? 0) + weights.of(endpoint);
      this.credit.set(endpoint.address, credit);
      if (credit > bestCredit) {
        best = endpoint;
        bestCredit = credit;
      }
    }
    if (best) this.credit.set(best.address, bestCredit - weights.total);
    return best;
  }

  retain(endpoints: readonly ServiceEndpoint[]): void {
    const addresses = new Set(endpoints.map((endpoint) => endpoint.address));
    for (const address of this.credit.keys()) if (!addresses.has(address)) this.credit.delete(address);
  }
}
