import { RegistryError } from './errors.js';

/**
 * By convention what is published are URLs: `protocol://host:port?weight=10&version=1.2&k=v`. Servers never read them;
 * applications and facades do, with this.
 */
export interface Endpoint {
  /** In lower case, such as `tcp` or `http`. */
  protocol: string;
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  host: string;
  port: number;
  /** Begins with a slash. */
  path?: string;
  /** Relative share of requests, from 0 to 1,000; 1 where the URL names none, or one that is none. */
  weight: number;
  version?: string;
  /** Everything else of the query. */
  parameters: Record<string, string>;
}

export const MAX_WEIGHT = 1_000;

const FORM = /^([a-z][a-z0-9+.-]*):\/\/(?:\[([0-9a-f:.]+)\]|([^\s:/?#@[\]]+)):(\d{1,5})(\/[^\s?#]*)?(?:\?([^\s#]*))?$/i;

/** The endpoint that a data string names; undefined for one of another form. A bare `/` counts as no path. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, protocol, ipv6, name, portText, path, query] = FORM.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = Number(portText);
  if (protocol === undefined || host === undefined || port < 1 || port > 65_535) return undefined;
  const parameters = Object.create(null) as Record<string, string>;
  for (const [key, value] of new URLSearchParams(query)) parameters[key] ??= value;
  const { weight, version, ...rest } = parameters;
  return {
    protocol: protocol.toLowerCase(),
    host,
    port,
    ...(path === undefined || path === '/' ? {} : { path }),
    weight: readWeight(weight),
    ...(version === undefined ? {} : { version }),
    parameters: rest,
  };
}

/**
 * The URL of an endpoint, to be published. What `parseEndpoint` reads of it is the endpoint again.
 * @throws RegistryError BAD_REQUEST for what has no such URL
 */
export function formatEndpoint(
  endpoint: Pick<Endpoint, 'protocol' | 'host' | 'port'> & Partial<Omit<Endpoint, 'protocol' | 'host' | 'port'>>,
): string {
  const { protocol, host, port, path = '', weight = 1, version, parameters = {} } = endpoint;
  const query = new URLSearchParams();
  if (weight !== 1) query.set('weight', String(weight));
  if (version !== undefined) query.set('version', version);
  for (const [key, value] of Object.entries(parameters))
    if (key !== 'weight' && key !== 'version') query.set(key, value);
  const at = host.includes(':') ? `[${host}]` : host;
  const text = `${protocol}://${at}:${port}${path}${query.size === 0 ? '' : `?${query.toString()}`}`;
  const isWeight = Number.isFinite(weight) && weight >= 0 && weight <= MAX_WEIGHT;
  if (isWeight && parseEndpoint(text)) return text;
  throw new RegistryError('BAD_REQUEST', `${text} is not an endpoint like protocol://host:port?weight=10&version=1.2.`);
}

function readWeight(text: string | undefined): number {
  const weight = text === undefined || text.trim() === '' ? 1 : Number(text);
  return Number.isFinite(weight) && weight >= 0 ? Math.min(weight, MAX_WEIGHT) : 1;
}
