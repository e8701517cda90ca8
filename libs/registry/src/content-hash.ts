import type { Publication, Stamp } from '#model';
import { murmur3 } from '#sharding';
import { type HashSum, formatHash } from './hash-sum.js';

export { type HashSum, formatHash };

const encoder = new TextEncoder();
let scratch = new Uint8Array(1024);
const CONTENT_BYTES = 4 * 8;
/** The content, and behind it the time of registration. */
const words = new Uint8Array(CONTENT_BYTES + 8);
const view = new DataView(words.buffer);

const SEED_HIGH = 0x2545f491;
const SEED_LOW = 0x4f6cdd1d;

/**
 * The hash of one live publication, with everything that replicas, and a leader and the session server that owns it, must
 * agree on: names, stamp, owner, body. Summed up over a set it does not depend on the order, and one publication more or
 * less is one addition (a homomorphic set hash, as in Clarke et al., MSet-Add-Hash, 2003). It is meant to find accidents;
 * it withstands nobody who chooses contents.
 */
export function addPublication(publication: Publication, times: 1 | -1, ...sums: HashSum[]): void {
  write(publication);
  add(CONTENT_BYTES, times, sums);
}

/**
 * The same, and to `exact` the hash with the time of registration as well. Whoever shows a publication must agree on that
 * too; its owner need not, since who publishes the same again is shown with the time of the first.
 */
export function addExactly(publication: Publication, times: 1 | -1, exact: HashSum, ...sums: HashSum[]): void {
  write(publication);
  if (sums.length > 0) add(CONTENT_BYTES, times, sums);
  add(words.length, times, [exact]);
}

function write(publication: Publication): void {
  const { registerId, dataInfoId, zone, appName, stamp, owner, body } = publication;
  const ownerName = owner.kind === 'connected' ? `${owner.session} ${owner.connection}` : owner.kind;
  const names = hashText(`${registerId}\n${dataInfoId}\n${zone}\n${appName}\n${ownerName}`);
  view.setUint32(0, names);
  view.setUint32(4, murmur3(body));
  view.setUint32(8, body.length);
  view.setUint32(12, Math.floor(stamp[0] / 2 ** 32));
  view.setUint32(16, stamp[0] >>> 0);
  view.setUint32(20, stamp[1] >>> 0);
  view.setUint32(24, stamp[2] >>> 0);
  view.setUint32(28, owner.kind === 'leased' ? owner.leaseMs >>> 0 : 0);
  view.setFloat64(CONTENT_BYTES, publication.registerTimestamp);
}

function add(length: number, times: 1 | -1, sums: HashSum[]): void {
  const high = times * murmur3(words, length, SEED_HIGH);
  const low = times * murmur3(words, length, SEED_LOW);
  for (const sum of sums) {
    sum.high = (sum.high + high) | 0;
    sum.low = (sum.low + low) | 0;
  }
}

/** The same for a removal that is remembered. */
export function addRemoval(sum: HashSum, registerId: string, stamp: Stamp): void {
  const names = hashText(`-${registerId} ${stamp.join('.')}`);
  sum.high = (sum.high + Math.imul(names ^ SEED_HIGH, 0x85ebca6b)) | 0;
  sum.low = (sum.low + Math.imul(names ^ SEED_LOW, 0xc2b2ae35)) | 0;
}

export function hashText(text: string, seed = 0): number {
  if (text.length * 3 > scratch.length) scratch = new Uint8Array(text.length * 3);
  const { written } = encoder.encodeInto(text, scratch);
  return murmur3(scratch, written, seed);
}
