import type { ServiceEndpoint } from '../service-endpoint.js';

/** What a balancer may go by. */
export interface BalancedRequest {
  /** Requests of one key go to one endpoint, where the balancer is for that. */
  key?: string;
  /** Requests of this client to the address that are not answered yet. */
  inFlight(address: string): number;
}

/**
 * Decides which endpoint a request goes to. It knows no time and no network; those that are not to be had are left out of
 * what it is given.
 */
export interface Balancer {
  /** One of these, or undefined when there is none. Endpoints of weight 0 only where all have that. */
  pick(endpoints: readonly ServiceEndpoint[], request: BalancedRequest): ServiceEndpoint | undefined;
  /** Drops what is kept for endpoints that are gone. */
  retain?(endpoints: readonly ServiceEndpoint[]): void;
}

/** Where all have weight 0 they count alike. */
export function weightsOf(endpoints: readonly ServiceEndpoint[]): { total: number; of(each: ServiceEndpoint): number } {
  const total = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0);
  return total > 0 ? { total, of: ({ weight }) => weight } : { total: endpoints.length, of: () => 1 };
}
