import { RegistryError } from '#model';

/** Reads `host:port`; an IPv6 host stands in brackets. */
export function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535)
    throw new RegistryError('INVALID_CONFIGURATION', `${JSON.stringify(address)} is not an address like host:port.`);
  return { host, port };
}
