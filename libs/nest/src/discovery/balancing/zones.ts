import type { ServiceEndpoint } from '../service-endpoint.js';

/** Those of the zone, as long as there are any that may be picked at all; else all of them. */
export function preferZone(
  endpoints: readonly ServiceEndpoint[],
  zone: string | undefined,
): readonly ServiceEndpoint[] {
  if (zone === undefined) return endpoints;
  const near = endpoints.filter((endpoint) => endpoint.zone === zone && endpoint.weight > 0);
  return near.length > 0 ? near : endpoints;
}
