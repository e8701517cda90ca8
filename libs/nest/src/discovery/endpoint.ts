import type { PublisherView } from '#model';

/** One live address of a service, as its data string names it: `protocol://host:port?weight=10`. */
export interface Endpoint {
  /** `host:port`, the key under which connections are kept. */
  address: string;
  host: string;
  port: number;
  /** Relative share of requests; 1 when the URL names none. */
  weight: number;
}

const MAX_WEIGHT = 1000;

/** The endpoints of a list of publishers that speak `protocol`. Strings that are no such URL are passed over. */
export function endpointsOf(publishers: readonly PublisherView[], protocol: string): Endpoint[] {
  const endpoints = new Map<string, Endpoint>();
  for (const publisher of publishers)
    for (const text of publisher.data) {
      const endpoint = parseEndpoint(text, protocol);
      if (endpoint) endpoints.set(endpoint.address, endpoint);
    }
  return [...endpoints.values()];
}

export function parseEndpoint(text: string, protocol: string): Endpoint | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const port = Number(url.port);
  if (url.protocol !== `${protocol}:` || !url.hostname || !port) return undefined;
  const weight = Number(url.searchParams.get('weight') ?? 1);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    address: url.host,
    host,
    port,
    weight: Number.isFinite(weight) && weight >= 0 ? Math.min(weight, MAX_WEIGHT) : 1,
  };
}
