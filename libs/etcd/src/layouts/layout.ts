import { type Endpoint, formatEndpoint, parseEndpoint } from '#model';

/** How a family of programs writes down in etcd who serves what: `<prefix><service>/<node>`, and what stands there. */
export interface Style {
  /** By which settings name it. */
  readonly name: string;
  /** What its programs put before the name of a service, unless they are told another. Ends with a slash, or is empty. */
  readonly prefix: string;
  /** Whether a key may end so. */
  isNode(node: string): boolean;
  /** Where the value says that one serves. @throws Malformed for what its programs could not read either */
  read(value: string): Endpoint;
  /** What its programs would write of the endpoint; undefined for one that they could not call. */
  write(service: string, node: string, endpoint: Endpoint): string | undefined;
  /** What the key of an endpoint ends with that none of its programs has registered. */
  nodeOf(endpoint: Endpoint, ownId: string): string;
}

/** A value that is not what its place asks for. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** The endpoint of an address as Go writes it, which puts IPv6 between brackets in some places and leaves it bare in others. */
export function endpointAt(protocol: string, address: string, rest: Partial<Endpoint> = {}): Endpoint {
  const [, bracketed, bare, port] = /^(?:\[([^\]]*)\]|(.*)):(\d{1,5})$/.exec(address) ?? [];
  const parts = { protocol, host: bracketed ?? bare ?? '', port: Number(port ?? 0), ...rest };
  try {
    // Whatever cannot be told in a URL is left to the value itself, which stands beside it.
    return parseEndpoint(formatEndpoint(parts))!;
  } catch {
    throw new Malformed(`${JSON.stringify(address)} is no address like 10.0.0.7:4000`);
  }
}

/** `host:port`, with brackets around IPv6. */
export function addressOf({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** @throws Malformed for what is no JSON object */
export function readObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Malformed('it is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Malformed('it is no JSON object');
  return value as Record<string, unknown>;
}

/** A map from strings to strings, which Go writes as null where it is nil. @throws Malformed for anything else */
export function readTexts(field: string, value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  const isMap = typeof value === 'object' && !Array.isArray(value);
  if (!isMap || !Object.values(value).every((text) => typeof text === 'string'))
    throw new Malformed(`its ${field} are no map from strings to strings`);
  return value as Record<string, string>;
}

/** JSON as Go writes it: maps in the order of their keys, and what HTML would take for its own written out. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** In the order in which Go writes a map; null where there is none, as it writes one that was never made. */
export function goMap(texts: Readonly<Record<string, string>>): Record<string, string> | null {
  const entries = Object.entries(texts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? null : Object.fromEntries(entries);
}
