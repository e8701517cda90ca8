import type { ServiceEndpoint } from '../service-endpoint.js';
import { type BalancedRequest, type Balancer, weightsOf } from './balancer.js';

/**
 * The power of two choices: of two drawn at random, by weight, the one with fewer requests unanswered for its weight, and
 * the first where they are alike, so that idle endpoints get their shares. An endpoint that is slow gets fewer, and clients
 * that know nothing of each other do not all run to the same one.
 */
export class TwoChoices implements Balancer {
  constructor(private readonly random: () => number) {}

  pick(endpoints: readonly ServiceEndpoint[], { inFlight }: BalancedRequest): ServiceEndpoint | undefined {
    const first = this.draw(endpoints);
    const second = first && this.draw(endpoints.filter((endpoint) => endpoint !== first));
    if (!first || !second || (second.weight === 0 && first.weight > 0)) return first;
    const load = ({ address, weight }: ServiceEndpoint): number => inFlight(address) / (weight || 1);
    return load(second) < load(first) ? second : first;
  }

  private draw(endpoints: readonly ServiceEndpoint[]): ServiceEndpoint | undefined {
    const weights = weightsOf(endpoints);
    let left = this.random() * weights.total;
    for (const endpoint of endpoints) {
      left -= weights.of(endpoint);
      if (left < 0) return endpoint;
    }
    // What rounding leaves.
    return endpoints.findLast((endpoint) => weights.of(endpoint) > 0);
  }
}
