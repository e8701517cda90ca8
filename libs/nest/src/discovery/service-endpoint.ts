import { parseEndpoint } from '#client';
import type { PublisherView } from '#model';

/** One live address of a service: what its data string says, and where it stands. */
export interface ServiceEndpoint {
  /** `host:port`, the key under which connections are kept. */
  address: string;
  host: string;
  port: number;
  /** Relative share of requests; 1 when the URL names none. */
  weight: number;
  zone: string;
  version?: string;
  parameters: Record<string, string>;
}

/** The endpoints of a list of publishers that speak `protocol`. Strings that are no such URL are passed over. */
export function endpointsOf(publishers: readonly PublisherView[], protocol: string): ServiceEndpoint[] {
  const endpoints = new Map<string, ServiceEndpoint>();
  for (const publisher of publishers)
    for (const text of publisher.data) {
      const endpoint = parseEndpoint(text);
      if (endpoint?.protocol !== protocol) continue;
      const { host, port, weight, version, parameters } = endpoint;
      const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      const known = { address, host, port, weight, zone: publisher.zone, parameters };
      endpoints.set(address, version === undefined ? known : { ...known, version });
    }
  return [...endpoints.values()];
}
