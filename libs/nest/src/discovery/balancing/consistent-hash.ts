import type { ServiceEndpoint } from '../service-endpoint.js';
import { type BalancedRequest, type Balancer, weightsOf } from './balancer.js';

/**
 * Rendezvous hashing with weights: every endpoint draws a number from its address and the key, and the best draw wins. All
 * clients choose alike; when an endpoint goes only its own keys go elsewhere, to all others by weight, and one that comes
 * takes its share from all. There is nothing to build or to keep. A request without a key goes anywhere, by weight.
 */
export class ConsistentHash implements Balancer {
  constructor(private readonly random: () => number) {}

  pick(endpoints: readonly ServiceEndpoint[], { key }: BalancedRequest): ServiceEndpoint | undefined {
    const weights = weightsOf(endpoints);
    const seed = key === undefined ? Math.floor(this.random() * 2 ** 32) : hash32(key, 0);
    let best: ServiceEndpoint | undefined;
    let bestScore = -Infinity;
    for (const endpoint of endpoints) {
      const weight = weights.of(endpoint);
      if (weight === 0) continue;
      // Uniform in (0, 1); of such draws to the power of 1/weight each is the highest as often as its weight says.
      const drawn = (hash32(endpoint.address, seed) + 0.5) / 2 ** 32;
      const score = Math.log(drawn) / weight;
      if (score > bestScore || (score === bestScore && endpoint.address < best!.address)) {
        best = endpoint;
        bestScore = score;
      }
    }
    return best;
  }
}

/** FNV-1a over the UTF-16 units, then MurmurHash3's finalizer, so that every bit of it is good. */
function hash32(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
