import { z } from 'zod';
import { checkName } from '#model';
import { TOKEN_RULE, isToken } from '../admin/tokens.js';
import { parseAddress } from './address.js';

/**
 * What the value of a setting may be. Every rule is one sentence that says all of it, so that whichever check fails, the
 * message says everything that the value must be; the documentation repeats it.
 */
const MAX_DURATION_MS = 30 * 24 * 60 * 60 * 1000;
const MAX_COUNT = 1_000_000;

export function port(most = 65_535) {
  const rule = `must be a port from 0 to ${most} (0 lets the system choose)`;
  return z.int(rule).min(0, rule).max(most, rule).meta({ rule });
}

export function milliseconds(minMs = 1) {
  const rule = `must be a whole number of milliseconds from ${minMs} to ${MAX_DURATION_MS}`;
  return z.int(rule).min(minMs, rule).max(MAX_DURATION_MS, rule).meta({ rule });
}

export function count(least: number, most = MAX_COUNT) {
  const rule = `must be a whole number from ${least} to ${most}`;
  return z.int(rule).min(least, rule).max(most, rule).meta({ rule });
}

export function text(what: string) {
  const rule = `must be ${what}`;
  return z
    .string(rule)
    .refine((value) => value.trim() !== '', rule)
    .meta({ rule });
}

export function flag() {
  const rule = 'must be true or false';
  return z.boolean(rule).meta({ rule });
}

export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  const rule = `must be one of ${words.join(', ')}`;
  return z.enum(words, rule).meta({ rule });
}

/** A name as clients may give one. */
export function name(field: string) {
  const rule = 'must be a name: not empty, at most 512 bytes, without control characters and without #@#';
  return z
    .string(rule)
    .refine((value) => checkName(field, value) === undefined, rule)
    .meta({ rule });
}

export function addresses() {
  const rule = 'must be a list of addresses of the form host:port';
  return z
    .array(z.string(rule), rule)
    .min(1, rule)
    .refine((list) => list.every((item) => typeof item !== 'string' || parseAddress(item) !== undefined), rule)
    .meta({ rule });
}

/** What libs/etcd reads keys by. */
const LAYOUT = /^(kitex|go-micro|go-zero)(:[^\s,]{1,256})?$/;

export function layouts() {
  const rule =
    'must be a list of kitex, go-micro or go-zero, each alone or with the prefix of its keys, as in kitex:my/prefix';
  return z
    .array(z.string(rule), rule)
    .refine((list) => list.every((item) => typeof item !== 'string' || LAYOUT.test(item)), rule)
    .meta({ rule });
}

export function powerOfTwo(most: number) {
  const rule = `must be a power of two from 1 to ${most}`;
  return z
    .int(rule)
    .min(1, rule)
    .max(most, rule)
    .refine((value) => (value & (value - 1)) === 0, rule)
    .meta({ rule });
}

export function weight() {
  const rule = 'must be a number above 0 and at most 1000';
  return z.number(rule).positive(rule).max(1000, rule).meta({ rule });
}

export function token() {
  return z.string(TOKEN_RULE).refine(isToken, TOKEN_RULE).meta({ rule: TOKEN_RULE, secret: true });
}

/** Addresses that mean every interface: to listen on, and not to be reached at. */
const WILDCARDS = new Set(['0.0.0.0', '::', '[::]', '*']);

export function isWildcard(host: string): boolean {
  return WILDCARDS.has(host);
}

export function reachableHost() {
  const rule = 'must be a host name or an IP address that the other servers and the clients can reach';
  return z
    .string(rule)
    .refine((value) => value.trim() !== '' && !isWildcard(value), rule)
    .meta({ rule });
}
